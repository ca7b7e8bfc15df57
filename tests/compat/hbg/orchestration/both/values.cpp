// Value types, and the table behind the calls.
#include "orchestration_api.h"

enum class Mode : uint8_t { Fast = 1 };

static uint64_t data_types() {
    uint64_t sum = 0;
    for (DataType each : {DataType::FLOAT32, DataType::FLOAT16, DataType::INT32, DataType::INT16, DataType::INT8,
                          DataType::UINT8, DataType::BFLOAT16, DataType::INT64, DataType::UINT64, DataType::UINT16,
                          DataType::UINT32, DataType::DATA_TYPE_NUM}) {
        sum += get_element_size(each) + static_cast<uint64_t>(get_dtype_name(each)[0]);
    }
    static_assert(is_supported_scalar_arg_v<Mode>);
    return sum + to_u64(1.5) + from_u64<uint32_t>(9);
}

PTO_DEVICE_FUNC static int letters() {
    static_assert(CORE_MAX_TENSOR_ARGS + CHIP_MAX_TENSOR_ARGS + CORE_MAX_SCALAR_ARGS + CHIP_MAX_SCALAR_ARGS == 240);
    static_assert(CALLABLE_ALIGN == 64 && CONTINUOUS_TENSOR_MAX_DIMS == PLATFORM_DUMP_MAX_DIMS);
    int sum = static_cast<int>(callable_align_up(1));
    for (ArgDirection d : {ArgDirection::SCALAR, ArgDirection::IN, ArgDirection::OUT, ArgDirection::INOUT}) {
        sum += arg_direction_name(d)[0];
    }
    return sum + core_type_to_string(core_type_from_string("aic"))[2];
}

static uint64_t arguments(const ChipStorageTaskArgs &call) {
    const ContinuousTensor &t = call.tensor(0);
    uint64_t sum = t.data + t.shapes[0] + t.ndims + t.child_memory + t.is_child_memory();
    ChipStorageTaskArgs own;
    own.add_tensor(t);
    own.add_scalar(call.scalars()[0]);
    sum += own.tensors_[0].data + own.scalars_[0] + own.tensor_data()->data + *own.scalar_data();
    sum += static_cast<uint64_t>(own.tensor_count_ + own.scalar_count_);
    own.clear();
    TaskArgs tagged;
    tagged.add_tensor(t, TensorArgType::INPUT);
    tagged.add_tensor(t, TensorArgType::OUTPUT);
    tagged.tag(1) = TensorArgType::INOUT;
    if (*tagged.tag_data() == TensorArgType::OUTPUT_EXISTING || tagged.tags_[1] == TensorArgType::NO_DEP) sum++;
    std::vector<uint8_t> blob(task_args_blob_size(tagged) + TASK_ARGS_BLOB_HEADER_SIZE);
    write_blob(blob.data(), tagged);
    TaskArgsView view = read_blob(blob.data(), blob.size());
    view = make_view(tagged);
    sum += static_cast<uint64_t>(view.tensor_count + view.scalar_count) + view.tensors->data;
    if (view.scalars == nullptr) sum++;
    TaskArgsTpl<int, int, 0, 0> plain;
    plain.add_tensor(1);
    TensorTagMixin<TensorArgType, 2> tags;
    return sum + view_to_chip_storage(view).tensor(0).data + static_cast<uint64_t>(tags.tag(0)) +
           static_cast<uint64_t>(plain.tensor_count());
}

static uint64_t dumps() {
    TensorInfo info{};
    TensorAllocationInfo allocation{4096, 64};
    uint64_t sum = info.ndims + info.reserved + info.shapes[0] + info.raw_shapes[0] + info.offsets[0];
    sum += allocation.base_addr + allocation.size_bytes + allocation.contains(4100);
    return sum + (info.dtype == DataType::FLOAT32);
}

extern "C" int values_graph(OrchestrationRuntime *runtime, const ChipStorageTaskArgs &orch_args) {
    const OrchestrationRuntimeOps *ops = runtime->ops;
    OrchestrationFunc self = &values_graph;
    const bool complete = ops->add_task && ops->set_tensor_info_to_task && ops->add_successor &&
                          ops->record_tensor_pair && ops->get_task_count && ops->print_runtime && ops->device_malloc &&
                          ops->device_free && ops->copy_to_device && self;
    return complete ? static_cast<int>(data_types() + arguments(orch_args) + dumps()) + letters() : -1;
}
