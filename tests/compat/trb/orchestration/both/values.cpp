// Value types without a runtime: task ids, element types, argument lists, descriptors, masks.
#include "pto_orchestration_api.h"

#include "platform_comm/comm_context.h"

enum class Mode : uint8_t { Fast = 1 };
enum Plain { PLAIN = 2 };

static uint64_t task_ids() {
    constexpr PTO2TaskId id = PTO2TaskId::make(3, 7);
    static_assert(id.ring() == 3 && id.local() == 7 && id.is_valid() && !id.is_invalid());
    static_assert(id != PTO2TaskId::invalid() && id == PTO2TaskId{(uint64_t{3} << 32) | 7});
    PTO2TaskId zero{};
    return id.raw + zero.raw;
}

static uint64_t data_types(DataType dtype) {
    uint64_t bytes = 0;
    for (DataType each : {DataType::FLOAT32, DataType::FLOAT16, DataType::INT32, DataType::INT16, DataType::INT8,
                          DataType::UINT8, DataType::BFLOAT16, DataType::INT64, DataType::UINT64, DataType::UINT16,
                          DataType::UINT32}) {
        bytes += get_element_size(each);
    }
    static_assert(static_cast<int>(DataType::DATA_TYPE_NUM) == 11);
    static_assert(is_supported_scalar_arg_v<const float &> && !is_supported_scalar_arg_v<void *>);
    bytes += static_cast<uint64_t>(get_dtype_name(dtype)[0]);
    return bytes + to_u64(-1) + from_u64<uint16_t>(to_u64(Mode::Fast));
}

PTO_DEVICE_FUNC static __aicore__ uint32_t qualified(__gm__ const uint32_t *word) { return *word; }

static uint64_t call_arguments(const ChipStorageTaskArgs &call) {
    const ContinuousTensor &t = call.tensor(0);
    uint64_t sum = t.data + t.shapes[0] + t.ndims + t.nbytes() + t.child_memory;
    if (t.dtype == DataType::INT32 && t.is_child_memory()) sum += static_cast<uint64_t>(*t.data_as<int32_t>());
    static_assert(CONTINUOUS_TENSOR_MAX_DIMS == 5);

    ChipStorageTaskArgs own;
    own.add_tensor(t);
    own.add_scalar(call.scalars()[0]);
    own.tensor(0).dtype = DataType::UINT8;
    own.scalar(0) = 4;
    sum += own.tensors_[0].data + own.scalars_[0] + static_cast<uint64_t>(own.tensor_count_ + own.scalar_count_);
    sum += own.tensor_data()->ndims + *own.scalar_data() + static_cast<uint64_t>(own.scalar_count());
    own.clear();

    TaskArgs tagged;
    tagged.add_tensor(t);
    tagged.add_tensor(t, TensorArgType::INOUT);
    tagged.add_scalar(1);
    tagged.tag(0) = TensorArgType::OUTPUT;
    if (*tagged.tag_data() == TensorArgType::OUTPUT_EXISTING || tagged.tags_[1] == TensorArgType::NO_DEP) sum++;
    std::vector<uint8_t> blob(task_args_blob_size(tagged));
    write_blob(blob.data(), tagged);
    TaskArgsView view = read_blob(blob.data(), blob.size());
    view = make_view(tagged);
    sum += static_cast<uint64_t>(view.tensor_count + view.scalar_count) + view.tensors->data + *view.scalars;
    sum += view_to_chip_storage(view).tensor(0).data + TASK_ARGS_BLOB_HEADER_SIZE;

    TaskArgsTpl<int, int, 2, 2, TensorArgType> small;
    TensorTagMixin<TensorArgType, 2> &tags = small;
    return sum + (tags.tag(0) == TensorArgType::INPUT);
}

static int directions() {
    static_assert(CORE_MAX_TENSOR_ARGS == 16 && CHIP_MAX_TENSOR_ARGS == 64);
    static_assert(CORE_MAX_SCALAR_ARGS == 32 && CHIP_MAX_SCALAR_ARGS == 128 && CALLABLE_ALIGN == 64);
    int letters = static_cast<int>(callable_align_up(65));
    for (ArgDirection d : {ArgDirection::SCALAR, ArgDirection::IN, ArgDirection::OUT, ArgDirection::INOUT}) {
        letters += arg_direction_name(d)[0];
    }
    return letters;
}

static uint64_t descriptors(void *memory) {
    uint32_t shape[2] = {8, 16};
    uint32_t tile[2] = {4, 16};
    uint32_t at[2] = {4, 0};
    uint32_t flat[1] = {64};
    static_assert(RUNTIME_MAX_TENSOR_DIMS == 5);
    Tensor whole = make_tensor_external(memory, shape, 2, DataType::BFLOAT16, false, 1);
    Tensor part = whole.view(tile, at, true);
    Tensor line = part.is_contiguous() ? part.reshape(flat, 1) : part;
    Tensor turned = whole.transpose(0, 1);
    turned.init(memory, 256, shape, tile, at, 2, DataType::FLOAT16, 0);
    turned.init(whole);
    turned.copy(part);
    turned.init_with_view(whole, tile, at);
    turned.update_start_offset();
    TensorCreateInfo made(shape, 2, DataType::INT8, true);
    TensorCreateInfo same = {shape, 2};
    TensorCreateInfo several[2];
    several[0].copy(made);
    same.set_initial_value(-1);
    turned.init_from_create_info(several[0], memory, several[0].buffer_size_bytes());
    turned.fill_initial_value(same.initial_value);
    PTOBufferHandle handle = whole.buffer;
    Segment near{0, 4};
    Segment far{2, 6};
    OverlapStatus status = near.contains(far) ? OverlapStatus::COVERED : OverlapStatus::NO_OVERLAP;
    if (near.line_segment_intersection(far) && near.begin < far.end) status = OverlapStatus::OTHER;
    std::vector<Tensor> many(3, whole);
    std::array<Tensor, 2> pair{whole, part};
    Tensor listed[2] = {whole, line};
    std::swap(listed[0], pair[1]);
    uint64_t sum = handle.addr + handle.size + part.start_offset + part.owner_task_id.raw + many.size();
    sum += static_cast<uint64_t>(part.version) + part.ndims + part.shapes[0] + part.raw_shapes[0] + part.offsets[0];
    sum += part.get_raw_shapes()[1] + part.numel() + part.compute_flat_offset(at, 2) + line.dump().size();
    sum += part.is_all_offset_zero + part.is_raw_eq_shapes + part.manual_dep + (part.dtype == DataType::BFLOAT16);
    sum += part.valid_reshape(flat, 1) + part.valid_transpose(0, 1) + part.is_same_memref(whole);
    sum += made.has_initial_value + made.is_all_offset_zero + made.is_raw_eq_shapes + made.manual_dep + made.ndims;
    sum += static_cast<uint64_t>(made.version) + made.raw_shapes[0] + (made.dtype == DataType::INT8);
    return sum + (status == OverlapStatus::OTHER);
}

static int launches(const Arg &arg) {
    constexpr MixedKernels none{INVALID_KERNEL_ID, INVALID_KERNEL_ID, INVALID_KERNEL_ID};
    constexpr PTO2LaunchSpec spec;
    constexpr ActiveMask three(PTO2_SUBTASK_MASK_AIC | PTO2_SUBTASK_MASK_AIV0 | PTO2_SUBTASK_MASK_AIV1);
    ActiveMask mask = none.to_active_mask();
    mask |= three & PTO2_SUBTASK_MASK_AIV0;
    mask.set_sync_start();
    if (mask != three && mask.subtask_active(PTO2SubtaskSlot::AIV0) && mask.requires_sync_start()) mask = mask | three;
    if (mask.to_shape() == PTO2ResourceShape::MIX && mask.has_mask(PTO2_SUBTASK_FLAG_SYNC_START)) return mask.raw();
    if (mask.to_shape() == PTO2ResourceShape::AIC || mask.to_shape() == PTO2ResourceShape::AIV) return mask.core_mask();
    if (mask.subtask_active(PTO2SubtaskSlot::AIC) || mask.subtask_active(PTO2SubtaskSlot::AIV1)) return 1;
    static_assert(PTO2_SUBTASK_SLOT_COUNT == 3 && PTO2_NUM_RESOURCE_SHAPES == 3);
    return static_cast<bool>(mask) + (mask == three) + spec.require_sync_start() + arg.launch_spec.require_sync_start();
}

static int32_t statuses() {
    static_assert(PTO2_ERROR_NONE == 0 && PTO2_ERROR_SCOPE_DEADLOCK == 1 && PTO2_ERROR_HEAP_RING_DEADLOCK == 2);
    static_assert(PTO2_ERROR_FLOW_CONTROL_DEADLOCK == 3 && PTO2_ERROR_DEP_POOL_OVERFLOW == 4);
    static_assert(PTO2_ERROR_INVALID_ARGS == 5 && PTO2_ERROR_DEPENDENCY_OVERFLOW == 6);
    static_assert(PTO2_ERROR_REQUIRE_SYNC_START_INVALID == 7 && PTO2_ERROR_TENSOR_WAIT_TIMEOUT == 8);
    static_assert(PTO2_ERROR_SCHEDULER_TIMEOUT == 100 && PTO2_ERROR_ASYNC_COMPLETION_INVALID == 101);
    static_assert(PTO2_ERROR_ASYNC_WAIT_OVERFLOW == 102 && PTO2_ERROR_ASYNC_REGISTRATION_FAILED == 103);
    return runtime_status_from_error_codes(0, PTO2_ERROR_ASYNC_WAIT_OVERFLOW);
}

static uint64_t kernel_side(int64_t *args) {
    static_assert(SPMD_LOCAL_CONTEXT_INDEX == 48 && SPMD_GLOBAL_CONTEXT_INDEX == 49);
    static_assert(PAYLOAD_LOCAL_CONTEXT_INDEX == 48 && PAYLOAD_GLOBAL_CONTEXT_INDEX == 49);
    static_assert(PTO2_EXT_PARAMS_COUNT == 2 && PTO2_MAX_COMPLETIONS_PER_TASK == 64);
    static_assert(PTO2_COMPLETION_ENGINE_SDMA == PTO2_ASYNC_ENGINE_SDMA);
    static_assert(PTO2_COMPLETION_ENGINE_ROCE == PTO2_ASYNC_ENGINE_ROCE);
    static_assert(PTO2_COMPLETION_ENGINE_URMA == PTO2_ASYNC_ENGINE_URMA);
    static_assert(PTO2_COMPLETION_ENGINE_CCU == PTO2_ASYNC_ENGINE_CCU && PTO2_NUM_ASYNC_ENGINES == 4);
    static_assert(PTO2_ALIGN_UP(1, PTO2_ALIGN_SIZE) == 64 && PTO2_PACKED_OUTPUT_ALIGN == 1024);
    static_assert(PTO2_TENSOR_DATA_TIMEOUT_CYCLES > 0);
    PTO2AsyncEngine engine = PTO2_ASYNC_ENGINE_ROCE;
    PTO2CompletionType type = PTO2CompletionType::COUNTER;
    static PTO2DeferredCompletionIngressBuffer buffer;
    AsyncCtx ctx = AsyncCtx::make(PTO2TaskId::make(0, 1), &buffer);
    PTO2DeferredCompletionEntry entry{1, 2, engine, static_cast<int32_t>(type), 0};
    LocalContext local{};
    local.async_ctx = ctx;
    GlobalContext global{};
    args[SPMD_LOCAL_CONTEXT_INDEX] = reinterpret_cast<int64_t>(&local);
    args[SPMD_GLOBAL_CONTEXT_INDEX] = reinterpret_cast<int64_t>(&global);
    uint64_t sum = entry.addr + entry.expected_value + entry.engine + static_cast<uint64_t>(entry.completion_type);
    sum += *ctx.completion_count + static_cast<uint64_t>(*ctx.completion_error_code) + ctx.completion_entries->addr;
    sum += ctx.completion_capacity + ctx.task_token.raw + buffer.count + static_cast<uint64_t>(buffer.error_code);
    sum += buffer.entries[0].addr + static_cast<uint64_t>(global.sub_block_id) + PTO2_COMPLETION_TYPE_COUNTER;
    return sum + static_cast<uint64_t>(get_block_idx(args) + get_block_num(args) + get_sub_block_id(args));
}

static uint64_t group(const CommContext *context) {
    static_assert(COMM_MAX_RANK_NUM == 64);
    return context->workSpace + context->workSpaceSize + context->rankId + context->rankNum + context->winSize +
           context->windowsIn[0] + context->windowsOut[0];
}

extern "C" uint64_t all_values(const ChipStorageTaskArgs &call, int64_t *words, const CommContext *context) {
    Arg arg;
    uint32_t word = PLAIN;
    return task_ids() + data_types(DataType::INT16) + call_arguments(call) + static_cast<uint64_t>(directions()) +
           descriptors(call.tensor(0).data_as<void>()) + static_cast<uint64_t>(launches(arg)) +
           static_cast<uint64_t>(statuses()) + kernel_side(words) + group(context) + qualified(&word);
}
