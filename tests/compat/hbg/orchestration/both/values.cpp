// Value types, and the table behind the calls.
#include "orchestration_api.h"

#include <cstring>
#include <string>
#include <utility>

#include "checks.h"

enum class Mode : uint8_t { Fast = 1 };

static void data_types() {
    const std::pair<DataType, uint64_t> sizes[] = {
        {DataType::FLOAT32, 4}, {DataType::FLOAT16, 2},  {DataType::INT32, 4}, {DataType::INT16, 2},
        {DataType::INT8, 1},    {DataType::UINT8, 1},    {DataType::BFLOAT16, 2}, {DataType::INT64, 8},
        {DataType::UINT64, 8},  {DataType::UINT16, 2},   {DataType::UINT32, 4},
    };
    int value = 0;
    for (const auto &[dtype, bytes] : sizes) {
        CHECK(static_cast<int>(dtype) == value++ && get_element_size(dtype) == bytes);
    }
    static_assert(static_cast<int>(DataType::DATA_TYPE_NUM) == 11 && is_supported_scalar_arg_v<Mode>);
    CHECK(get_dtype_name(DataType::UINT16) == std::string("UINT16"));
    CHECK(to_u64(1.5) == 0x3ff8000000000000 && to_u64(Mode::Fast) == 1 && from_u64<uint32_t>(9) == 9);
}

PTO_DEVICE_FUNC static void letters() {
    static_assert(CORE_MAX_TENSOR_ARGS == 16 && CHIP_MAX_TENSOR_ARGS == 64);
    static_assert(CORE_MAX_SCALAR_ARGS == 32 && CHIP_MAX_SCALAR_ARGS == 128);
    static_assert(CALLABLE_ALIGN == 64 && CONTINUOUS_TENSOR_MAX_DIMS == 5 && PLATFORM_DUMP_MAX_DIMS == 5);
    CHECK(callable_align_up(1) == 64 && callable_align_up(128) == 128);
    std::string names;
    for (ArgDirection d : {ArgDirection::SCALAR, ArgDirection::IN, ArgDirection::OUT, ArgDirection::INOUT}) {
        names += static_cast<char>('0' + static_cast<int>(d));
        names += arg_direction_name(d);
    }
    CHECK(names == "0SCALAR1IN2OUT3INOUT");
    CHECK(core_type_from_string("aiv") == CoreType::AIV && core_type_from_string(nullptr) == CoreType::AIC);
    CHECK(core_type_to_string(CoreType::AIC) == std::string("AIC"));
}

// A tensor with the eight values 0 … 7 in two columns, and two scalars.
static void call_arguments(const ChipStorageTaskArgs &call) {
    const ContinuousTensor &t = call.tensor(0);
    CHECK(call.tensor_count() == 1 && call.scalar_count() == 2 && call.scalar(1) == 42 && call.scalars()[1] == 42);
    CHECK(t.ndims == 2 && t.shapes[0] == 4 && t.shapes[1] == 2 && t.dtype == DataType::INT32 && t.nbytes() == 32);
    CHECK(t.data_as<const int32_t>()[7] == 7 && t.data == reinterpret_cast<uint64_t>(t.data_as<void>()));
    CHECK(t.is_child_memory() == (t.child_memory != 0) && call.tensor_data() == &t);
    CHECK_MEMBER(ContinuousTensor::dtype, DataType ContinuousTensor::*);
    CHECK_MEMBER(ContinuousTensor::ndims, uint32_t ContinuousTensor::*);
    CHECK_MEMBER(ContinuousTensor::shapes, uint32_t (ContinuousTensor::*)[5]);
    ChipStorageTaskArgs own;
    own.TaskArgsTpl::add_tensor(t);
    own.TaskArgsTpl::add_scalar(*call.scalar_data());
    own.tensor(0).data += 1;
    CHECK(own.tensors_[0].data == t.data + 1 && own.scalars_[0] == call.scalar(0));
    CHECK(own.tensor_count_ == 1 && own.scalar_count_ == 1 && *own.TaskArgsTpl::scalars() == call.scalar(0));
    CHECK(own.TaskArgsTpl::tensor_count() + own.TaskArgsTpl::scalar_count() == 2);
    own.clear();
    CHECK(own.tensor_count() == 0 && own.scalar_count() == 0);
}

static void host_arguments(const ContinuousTensor &t) {
    TaskArgs tagged;
    tagged.add_tensor(t, TensorArgType::INPUT);
    tagged.add_tensor(t, TensorArgType::OUTPUT);
    tagged.tag(1) = TensorArgType::INOUT;
    CHECK(*tagged.tag_data() == TensorArgType::INPUT && tagged.tags_[1] == TensorArgType::INOUT);
    static_assert(static_cast<int>(TensorArgType::OUTPUT_EXISTING) == 3 && static_cast<int>(TensorArgType::NO_DEP) == 4);
    std::vector<uint8_t> blob(task_args_blob_size(tagged));
    CHECK(blob.size() == TASK_ARGS_BLOB_HEADER_SIZE + 2 * sizeof(ContinuousTensor));
    write_blob(blob.data(), tagged);
    const TaskArgsView read = read_blob(blob.data(), blob.size());
    const TaskArgsView made = make_view(tagged);
    CHECK_MEMBER(TaskArgsView::tensor_count, int32_t TaskArgsView::*);
    CHECK_MEMBER(TaskArgsView::scalar_count, int32_t TaskArgsView::*);
    CHECK_MEMBER(TaskArgsView::scalars, const uint64_t *TaskArgsView::*);
    CHECK(read.tensor_count == 2 && read.scalar_count == 0 && made.tensors[1].data == t.data);
    CHECK(view_to_chip_storage(read).tensor(1).data == t.data && made.scalars == tagged.scalar_data());
    TaskArgsTpl<int, int, 0, 0> plain;
    plain.add_tensor(1);
    TensorTagMixin<TensorArgType, 2> tags;
    CHECK(plain.tensor_count() == 1 && tags.tag(0) == TensorArgType::INPUT);
}

static void dumps(const ContinuousTensor &t) {
    CHECK_MEMBER(TensorInfo::dtype, DataType TensorInfo::*);
    CHECK_MEMBER(TensorInfo::ndims, uint8_t TensorInfo::*);
    CHECK_MEMBER(TensorInfo::shapes, uint32_t (TensorInfo::*)[5]);
    uint32_t raw[2] = {8, 2};
    uint32_t at[2] = {4, 0};
    const TensorInfo whole = make_tensor_info_from_tensor_arg(t);
    CHECK(whole.dtype == DataType::INT32 && whole.ndims == 2 && whole.raw_shapes[0] == 4 && whole.offsets[1] == 0);
    const TensorInfo placed = make_tensor_info(t.dtype, t.ndims, t.shapes, raw, at);
    CHECK(placed.shapes[0] == 4 && placed.raw_shapes[0] == 8 && placed.offsets[0] == 4 && placed.reserved == 0);
    const TensorAllocationInfo allocation{4096, 64};
    CHECK(allocation.base_addr == 4096 && allocation.size_bytes == 64);
    CHECK(allocation.contains(4159) && !allocation.contains(4160));
}

static void table(OrchestrationRuntime *runtime, uint64_t result) {
    const OrchestrationRuntimeOps *ops = runtime->ops;
    using Runtime = OrchestrationRuntime;
    using Ops = OrchestrationRuntimeOps;
    CHECK_MEMBER(OrchestrationRuntimeOps::add_task, int (*Ops::*)(Runtime *, uint64_t *, int, int, CoreType));
    CHECK_MEMBER(OrchestrationRuntimeOps::set_tensor_info_to_task,
                 int (*Ops::*)(Runtime *, int, const TensorInfo *, int));
    CHECK_MEMBER(OrchestrationRuntimeOps::add_successor, void (*Ops::*)(Runtime *, int, int));
    CHECK_MEMBER(OrchestrationRuntimeOps::record_tensor_pair, void (*Ops::*)(Runtime *, void *, void *, size_t));
    CHECK_MEMBER(OrchestrationRuntimeOps::get_task_count, int (*Ops::*)(Runtime *));
    CHECK_MEMBER(OrchestrationRuntimeOps::print_runtime, void (*Ops::*)(Runtime *));
    CHECK_MEMBER(OrchestrationRuntimeOps::device_malloc, void *(*Ops::*)(Runtime *, size_t));
    CHECK_MEMBER(OrchestrationRuntimeOps::device_free, void (*Ops::*)(Runtime *, void *));
    CHECK_MEMBER(OrchestrationRuntimeOps::copy_to_device, int (*Ops::*)(Runtime *, void *, const void *, size_t));
    // Through the table, as the inline functions do it.
    void *block = ops->device_malloc(runtime, 8);
    const float start = 3.0f;
    CHECK(block != nullptr && ops->copy_to_device(runtime, block, &start, sizeof(start)) == 0);
    uint64_t words[3] = {reinterpret_cast<uint64_t>(block), to_u64(1.5f), 1};
    const int first = ops->add_task(runtime, words, 3, 0, CoreType::AIV);
    const int second = ops->add_task(runtime, words, 3, 0, CoreType::AIV);
    const uint32_t one[1] = {1};
    const TensorInfo info = make_tensor_info(DataType::FLOAT32, 1, one);
    CHECK(first == 0 && second == 1 && ops->set_tensor_info_to_task(runtime, second, &info, 1) == 0);
    ops->add_successor(runtime, first, second);
    ops->print_runtime(runtime);
    CHECK(ops->get_task_count(runtime) == 2);
    ops->device_free(runtime, ops->device_malloc(runtime, 16));
    ops->record_tensor_pair(runtime, reinterpret_cast<void *>(result), block, sizeof(start));
}

extern "C" int values_graph(OrchestrationRuntime *runtime, const ChipStorageTaskArgs &orch_args) {
    const OrchestrationFunc self = &values_graph;
    data_types();
    letters();
    call_arguments(orch_args);
    host_arguments(orch_args.tensor(0));
    dumps(orch_args.tensor(0));
    table(runtime, orch_args.scalar(0) + 8);
    CHECK(self == values_graph && runtime->ops != nullptr);
    report(orch_args.scalar(0));
    return 0;
}
