// Lists of tensor and scalar arguments: fixed capacity for what crosses program borders, vectors for building.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "arg_direction.h"
#include "tensor_arg.h"

// One tag per tensor. MaxT 0 means unbounded; tag type void means no tags and no storage.
template <typename TensorTag, size_t MaxT>
struct TensorTagMixin {
    TensorTag tags_[MaxT]{};

    const TensorTag &tag(int32_t i) const { return tags_[i]; }
    TensorTag &tag(int32_t i) { return tags_[i]; }
    const TensorTag *tag_data() const { return tags_; }
};

template <typename TensorTag>
struct TensorTagMixin<TensorTag, 0> {
    std::vector<TensorTag> tags_;

    const TensorTag &tag(int32_t i) const { return tags_[static_cast<size_t>(i)]; }
    TensorTag &tag(int32_t i) { return tags_[static_cast<size_t>(i)]; }
    const TensorTag *tag_data() const { return tags_.data(); }
};

template <size_t MaxT>
struct TensorTagMixin<void, MaxT> {};

template <>
struct TensorTagMixin<void, 0> {};

// Tensors first, then scalars. Slots that were not added are not initialised: a call may have 200 of them.
template <typename T, typename S, size_t MaxT, size_t MaxS, typename TensorTag = void>
struct TaskArgsTpl : TensorTagMixin<TensorTag, MaxT> {
    T tensors_[MaxT];
    S scalars_[MaxS];
    int32_t tensor_count_{0};
    int32_t scalar_count_{0};

    void add_tensor(const T &t) {
        if (scalar_count_ > 0) throw std::logic_error("TaskArgs: add all tensors before the first scalar");
        if (static_cast<size_t>(tensor_count_) >= MaxT) throw std::out_of_range("TaskArgs: no room for another tensor");
        tensors_[tensor_count_++] = t;
    }

    void add_scalar(S s) {
        if (static_cast<size_t>(scalar_count_) >= MaxS) throw std::out_of_range("TaskArgs: no room for another scalar");
        scalars_[scalar_count_++] = s;
    }

    const T &tensor(int32_t i) const { return tensors_[i]; }
    T &tensor(int32_t i) { return tensors_[i]; }
    S scalar(int32_t i) const { return scalars_[i]; }
    S &scalar(int32_t i) { return scalars_[i]; }
    const S *scalars() const { return scalars_; }
    const T *tensor_data() const { return tensors_; }
    const S *scalar_data() const { return scalars_; }
    int32_t tensor_count() const { return tensor_count_; }
    int32_t scalar_count() const { return scalar_count_; }

    void clear() {
        tensor_count_ = 0;
        scalar_count_ = 0;
    }
};

template <typename T, typename S, typename TensorTag>
struct TaskArgsTpl<T, S, 0, 0, TensorTag> : TensorTagMixin<TensorTag, 0> {
    std::vector<T> tensors_;
    std::vector<S> scalars_;

    void add_tensor(const T &t) {
        push_tensor(t);
        if constexpr (!std::is_void_v<TensorTag>) this->tags_.push_back(TensorTag{});
    }

    template <typename Tag = TensorTag, typename = std::enable_if_t<!std::is_void_v<Tag>>>
    void add_tensor(const T &t, Tag tag) {
        push_tensor(t);
        this->tags_.push_back(tag);
    }

    void add_scalar(S s) { scalars_.push_back(s); }

    const T &tensor(int32_t i) const { return tensors_[static_cast<size_t>(i)]; }
    T &tensor(int32_t i) { return tensors_[static_cast<size_t>(i)]; }
    S scalar(int32_t i) const { return scalars_[static_cast<size_t>(i)]; }
    S &scalar(int32_t i) { return scalars_[static_cast<size_t>(i)]; }
    const T *tensor_data() const { return tensors_.data(); }
    const S *scalar_data() const { return scalars_.data(); }
    int32_t tensor_count() const { return static_cast<int32_t>(tensors_.size()); }
    int32_t scalar_count() const { return static_cast<int32_t>(scalars_.size()); }

    void clear() {
        tensors_.clear();
        scalars_.clear();
        if constexpr (!std::is_void_v<TensorTag>) this->tags_.clear();
    }

private:
    void push_tensor(const T &t) {
        if (!scalars_.empty()) throw std::logic_error("TaskArgs: add all tensors before the first scalar");
        tensors_.push_back(t);
    }
};

// The arguments of one orchestration call.
using ChipStorageTaskArgs = TaskArgsTpl<ContinuousTensor, uint64_t, CHIP_MAX_TENSOR_ARGS, CHIP_MAX_SCALAR_ARGS>;

static_assert(std::is_trivially_copyable_v<ChipStorageTaskArgs> && std::is_aggregate_v<ChipStorageTaskArgs>);
static_assert(sizeof(ChipStorageTaskArgs) == 3592 && alignof(ChipStorageTaskArgs) == 8);
static_assert(offsetof(ChipStorageTaskArgs, tensors_) == 0);
static_assert(offsetof(ChipStorageTaskArgs, scalars_) == 2560);
static_assert(offsetof(ChipStorageTaskArgs, tensor_count_) == 3584);
static_assert(offsetof(ChipStorageTaskArgs, scalar_count_) == 3588);

// The tagged list a host program builds.
using TaskArgs = TaskArgsTpl<ContinuousTensor, uint64_t, 0, 0, TensorArgType>;

// Arguments that lie somewhere else. `scalars` is only as aligned as the blob it points into.
struct TaskArgsView {
    int32_t tensor_count;
    int32_t scalar_count;
    const ContinuousTensor *tensors;
    const uint64_t *scalars;
};

static_assert(sizeof(TaskArgsView) == 24);
static_assert(offsetof(TaskArgsView, tensors) == 8 && offsetof(TaskArgsView, scalars) == 16);

inline TaskArgsView make_view(const TaskArgs &a) {
    return TaskArgsView{a.tensor_count(), a.scalar_count(), a.tensor_data(), a.scalar_data()};
}

// The blob: two i32 counts, then the tensors, then the scalars. Tags do not travel.
inline constexpr size_t TASK_ARGS_BLOB_HEADER_SIZE = 8;

inline size_t task_args_blob_size(const TaskArgs &a) {
    return TASK_ARGS_BLOB_HEADER_SIZE + a.tensors_.size() * sizeof(ContinuousTensor) +
           a.scalars_.size() * sizeof(uint64_t);
}

// Writes task_args_blob_size(a) bytes.
inline void write_blob(uint8_t *dst, const TaskArgs &a) {
    const int32_t counts[2] = {a.tensor_count(), a.scalar_count()};
    std::memcpy(dst, counts, sizeof(counts));
    dst += TASK_ARGS_BLOB_HEADER_SIZE;
    const size_t tensor_bytes = a.tensors_.size() * sizeof(ContinuousTensor);
    if (tensor_bytes != 0) std::memcpy(dst, a.tensor_data(), tensor_bytes);
    dst += tensor_bytes;
    if (!a.scalars_.empty()) std::memcpy(dst, a.scalar_data(), a.scalars_.size() * sizeof(uint64_t));
}

// A view into `src`; nothing is copied. Refuses counts that do not fit `capacity`.
inline TaskArgsView read_blob(const uint8_t *src, size_t capacity) {
    if (capacity < TASK_ARGS_BLOB_HEADER_SIZE) throw std::runtime_error("task arguments: shorter than their header");
    int32_t counts[2];
    std::memcpy(counts, src, sizeof(counts));
    if (counts[0] < 0 || counts[1] < 0) throw std::runtime_error("task arguments: negative count");
    const uint64_t tensor_bytes = static_cast<uint64_t>(counts[0]) * sizeof(ContinuousTensor);
    const uint64_t scalar_bytes = static_cast<uint64_t>(counts[1]) * sizeof(uint64_t);
    if (tensor_bytes + scalar_bytes > capacity - TASK_ARGS_BLOB_HEADER_SIZE) {
        throw std::runtime_error("task arguments: counts exceed the given bytes");
    }
    const uint8_t *tensors = src + TASK_ARGS_BLOB_HEADER_SIZE;
    return TaskArgsView{
        counts[0],
        counts[1],
        reinterpret_cast<const ContinuousTensor *>(tensors),
        reinterpret_cast<const uint64_t *>(tensors + tensor_bytes),
    };
}

inline ChipStorageTaskArgs view_to_chip_storage(TaskArgsView view) {
    if (view.tensor_count < 0 || view.tensor_count > CHIP_MAX_TENSOR_ARGS) {
        throw std::out_of_range("task arguments: a call takes at most 64 tensors");
    }
    if (view.scalar_count < 0 || view.scalar_count > CHIP_MAX_SCALAR_ARGS) {
        throw std::out_of_range("task arguments: a call takes at most 128 scalars");
    }
    ChipStorageTaskArgs args;
    const size_t tensors = static_cast<size_t>(view.tensor_count);
    const size_t scalars = static_cast<size_t>(view.scalar_count);
    if (tensors != 0) std::memcpy(args.tensors_, view.tensors, tensors * sizeof(ContinuousTensor));
    if (scalars != 0) std::memcpy(args.scalars_, view.scalars, scalars * sizeof(uint64_t));
    args.tensor_count_ = view.tensor_count;
    args.scalar_count_ = view.scalar_count;
    return args;
}
