// What an orchestration gives to a submit, and what it gets back.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "common.h"
#include "pto_arch.h"
#include "pto_submit_types.h"
#include "pto_task_id.h"
#include "task_args.h"
#include "tensor.h"
#include "tensor_arg.h"

#define MAX_TENSOR_ARGS CORE_MAX_TENSOR_ARGS
#define MAX_SCALAR_ARGS CORE_MAX_SCALAR_ARGS
#define PTO2_MAX_EXPLICIT_DEPS 16

// The tag OUTPUT says that it is `create_info`.
union TensorRef {
    const Tensor *ptr;
    const TensorCreateInfo *create_info;

    TensorRef() : ptr(nullptr) {}
};

// The arguments of one task: tensors, then scalars, and the tasks it waits for besides.
//
// Keeps addresses: what is added must outlive the submit call, so temporaries do not compile. A call that cannot be
// carried out adds nothing; the first such error is kept and reported by the runtime at the submit.
struct Arg : TaskArgsTpl<TensorRef, uint64_t, MAX_TENSOR_ARGS, MAX_SCALAR_ARGS, TensorArgType> {
    bool has_error{false};
    const char *error_msg{nullptr};
    PTO2LaunchSpec launch_spec;

    // Forgets everything but the launch settings.
    void reset() {
        TaskArgsTpl::clear();
        has_error = false;
        error_msg = nullptr;
        explicit_deps_.count = 0;
    }

    // Forgets the arguments; an error stays, and so do dependencies where the family keeps them.
    void clear() {
        TaskArgsTpl::clear();
        if constexpr (PTO_CLEAR_FORGETS_DEPENDENCIES != 0) explicit_deps_.count = 0;
    }

    void set_error(const char *msg) {
        if (has_error) return;
        has_error = true;
        error_msg = msg;
    }

    template <typename... Args>
    void add_input(Args &&...args) {
        add_existing<Args...>(TensorArgType::INPUT, args...);
    }

    template <typename... Args>
    void add_inout(Args &&...args) {
        add_existing<Args...>(TensorArgType::INOUT, args...);
    }

    template <typename... Args>
    void add_no_dep(Args &&...args) {
        add_existing<Args...>(TensorArgType::NO_DEP, args...);
    }

    // A TensorCreateInfo is allocated by the runtime; a Tensor is written where it is.
    template <typename... Args>
    void add_output(Args &&...args) {
        static_assert(sizeof...(Args) > 0, "add_output needs an argument");
        static_assert((std::is_lvalue_reference_v<Args> && ...), "Arg keeps addresses: a temporary would dangle");
        constexpr bool all_made = (std::is_same_v<std::decay_t<Args>, TensorCreateInfo> && ...);
        constexpr bool all_existing = (std::is_same_v<std::decay_t<Args>, Tensor> && ...);
        static_assert(all_made || all_existing, "add_output takes Tensors or TensorCreateInfos, not both at once");
        if constexpr (all_made || all_existing) {
            if (!room_for_tensors(sizeof...(Args))) return;
            (push(all_made ? TensorArgType::OUTPUT : TensorArgType::OUTPUT_EXISTING, args), ...);
        }
    }

    // Each value in the low bytes of a word of its own.
    template <typename... Args>
    void add_scalar(Args... args) {
        static_assert(sizeof...(Args) > 0, "add_scalar needs an argument");
        static_assert((is_supported_scalar_arg_v<Args> && ...), "a scalar argument is a number or an enumerator");
        if (!room_for_scalars(static_cast<int>(sizeof...(Args)))) return;
        ((scalars_[scalar_count_++] = to_u64(args)), ...);
    }

    void add_scalars(const uint64_t *values, int count) {
        if (!room_for_scalars(count)) return;
        for (int i = 0; i < count; i++) scalars_[scalar_count_++] = values[i];
    }

    // Each 32-bit pattern in the low half of a word; the upper half is zero.
    void add_scalars_i32(const int32_t *values, int count) {
        if (!room_for_scalars(count)) return;
        for (int i = 0; i < count; i++) scalars_[scalar_count_++] = static_cast<uint32_t>(values[i]);
    }

    void copy_scalars_from(const Arg &src, int src_offset, int count) {
        if (src_offset < 0 || count < 0 || count > src.scalar_count_ - src_offset) {
            set_error("copy_scalars_from: the source does not hold that many scalars; check its scalar_count()");
            return;
        }
        add_scalars(src.scalars_ + src_offset, count);
    }

    // Earlier tasks this one waits for, whatever its tensors say.
    template <typename... TaskIds>
    void add_dep(TaskIds... task_ids) {
        static_assert(sizeof...(TaskIds) > 0, "add_dep needs an argument");
        static_assert((std::is_same_v<std::decay_t<TaskIds>, PTO2TaskId> && ...), "add_dep takes task ids");
        if (explicit_deps_.count + sizeof...(TaskIds) > PTO2_MAX_EXPLICIT_DEPS) {
            set_error("add_dep: a task waits for at most 16 explicit dependencies");
            return;
        }
        ((explicit_deps_.ids[explicit_deps_.count++] = task_ids), ...);
    }

    uint32_t explicit_dep_count() const { return explicit_deps_.count; }

    PTO2TaskId explicit_dep(uint32_t index) const {
        always_assert(index < explicit_deps_.count);
        return explicit_deps_.ids[index];
    }

    const PTO2TaskId *explicit_deps_data() const { return explicit_deps_.ids; }

private:
    struct ExplicitDeps {
        PTO2TaskId ids[PTO2_MAX_EXPLICIT_DEPS];
        uint32_t count;
    };

    ExplicitDeps explicit_deps_{};

    template <typename... Args, typename... Refs>
    void add_existing(TensorArgType tag, Refs &...refs) {
        static_assert(sizeof...(Args) > 0, "a tensor adder needs an argument");
        static_assert((std::is_lvalue_reference_v<Args> && ...), "Arg keeps addresses: a temporary would dangle");
        constexpr bool all_tensors = (std::is_same_v<std::decay_t<Args>, Tensor> && ...);
        static_assert(all_tensors, "only add_output takes anything but a Tensor");
        if constexpr (all_tensors) {
            if (!room_for_tensors(sizeof...(Args))) return;
            (push(tag, refs), ...);
        }
    }

    bool room_for_tensors(size_t count) {
        if (scalar_count_ > 0) {
            set_error("a tensor was added after a scalar; add all tensors of a task before its first scalar");
            return false;
        }
        if (static_cast<size_t>(tensor_count_) + count > static_cast<size_t>(MAX_TENSOR_ARGS)) {
            set_error("a task takes at most 16 tensors");
            return false;
        }
        return true;
    }

    bool room_for_scalars(int count) {
        if (count < 0) {
            set_error("a negative number of scalars was added");
            return false;
        }
        if (count > MAX_SCALAR_ARGS - scalar_count_) {
            set_error("a task takes at most 32 scalars");
            return false;
        }
        return true;
    }

    void push(TensorArgType tag, const Tensor &tensor) {
        tags_[tensor_count_] = tag;
        tensors_[tensor_count_++].ptr = &tensor;
    }

    void push(TensorArgType tag, const TensorCreateInfo &create_info) {
        tags_[tensor_count_] = tag;
        tensors_[tensor_count_++].create_info = &create_info;
    }
};

static_assert(std::is_trivially_copyable_v<Arg>);
static_assert(sizeof(Arg) == 616 && alignof(Arg) == 8);

// What a submit answers: the task's id, and the descriptors of the outputs the runtime allocated, in order.
//
// The descriptors lie in the runtime and live until the enclosing scope ends.
class TaskOutputTensors {
public:
    TaskOutputTensors() : task_id_(PTO2TaskId::invalid()), output_count_(0) {}

    bool empty() const { return output_count_ == 0; }
    uint32_t size() const { return output_count_; }
    PTO2TaskId task_id() const { return task_id_; }

    const Tensor &get_ref(uint32_t index) const & {
        always_assert(index < output_count_);
        return *tensors_[index];
    }
    const Tensor &get_ref(uint32_t index) const && = delete;

    void materialize_output(const Tensor &tensor) {
        always_assert(output_count_ < static_cast<uint32_t>(MAX_TENSOR_ARGS));
        tensors_[output_count_++] = &tensor;
    }

    void set_task_id(PTO2TaskId id) { task_id_ = id; }

private:
    PTO2TaskId task_id_;
    uint32_t output_count_;
    const Tensor *tensors_[MAX_TENSOR_ARGS];
};

static_assert(std::is_trivially_copyable_v<TaskOutputTensors>);
static_assert(sizeof(TaskOutputTensors) == 144 && alignof(TaskOutputTensors) == 8);

using TaskSubmitResult = TaskOutputTensors;
