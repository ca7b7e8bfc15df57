// Value types, without a task: task ids, element types, argument lists, descriptors, masks.
#include "pto_orchestration_api.h"

#include "checks.h"
#include "platform_comm/comm_context.h"

enum class Mode : uint8_t { Fast = 1 };
enum Plain { PLAIN = 2 };

static void task_ids() {
    constexpr PTO2TaskId id = PTO2TaskId::make(3, 7);
    static_assert(id.ring() == 3 && id.local() == 7 && id.is_valid() && !id.is_invalid());
    static_assert(id != PTO2TaskId::invalid() && id == PTO2TaskId{(uint64_t{3} << 32) | 7});
    CHECK_MEMBER(PTO2TaskId::raw, uint64_t PTO2TaskId::*);
    CHECK_MEMBER(PTO2TaskId::operator==, bool (PTO2TaskId::*)(const PTO2TaskId &) const);
    CHECK_MEMBER(PTO2TaskId::operator!=, bool (PTO2TaskId::*)(const PTO2TaskId &) const);
    PTO2TaskId zero{};
    PTO2TaskId unset;
    unset = id;
    CHECK(zero.raw == 0 && zero.is_valid() && unset == id && unset != zero);
    CHECK(PTO2TaskId::invalid().raw == ~uint64_t{0} && PTO2TaskId::invalid().is_invalid());
}

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
    static_assert(static_cast<int>(DataType::DATA_TYPE_NUM) == 11);
    static_assert(is_supported_scalar_arg_v<const float &> && !is_supported_scalar_arg_v<void *>);
    CHECK(std::string(get_dtype_name(DataType::BFLOAT16)) == "BFLOAT16");
    CHECK(std::string(get_dtype_name(DataType::DATA_TYPE_NUM)) == "UNKNOWN");
    CHECK(to_u64(-1) == 0xffffffff && to_u64(Mode::Fast) == 1 && to_u64(1.0f) == 0x3f800000);
    CHECK(from_u64<uint16_t>(0x12345678) == 0x5678 && from_u64<float>(0x3f800000) == 1.0f);
}

PTO_DEVICE_FUNC static __aicore__ uint32_t qualified(__gm__ const uint32_t *word) { return *word; }

// A tensor with the eight values 0 … 7 in two columns, and two scalars.
static void call_arguments(const ChipStorageTaskArgs &call) {
    const ContinuousTensor &t = call.tensor(0);
    CHECK(call.tensor_count() == 1 && call.scalar_count() == 2 && call.scalar(1) == 42);
    CHECK(call.scalars()[1] == 42 && call.scalar_data() == call.scalars() && call.tensor_data() == &t);
    CHECK(t.ndims == 2 && t.shapes[0] == 4 && t.shapes[1] == 2 && t.dtype == DataType::INT32 && t.nbytes() == 32);
    CHECK(t.data_as<int32_t>()[3] == 3 && t.data == reinterpret_cast<uint64_t>(t.data_as<void>()));
    CHECK(t.is_child_memory() == (t.child_memory != 0));
    static_assert(CONTINUOUS_TENSOR_MAX_DIMS == 5);
    CHECK_MEMBER(ContinuousTensor::dtype, DataType ContinuousTensor::*);
    CHECK_MEMBER(ContinuousTensor::ndims, uint32_t ContinuousTensor::*);
    CHECK_MEMBER(ContinuousTensor::shapes, uint32_t (ContinuousTensor::*)[5]);

    using Fixed = TaskArgsTpl<int, short, 2, 1, TensorArgType>;
    static_assert(sizeof(Fixed) == 28);
    Fixed own;
    TensorTagMixin<TensorArgType, 2> &tags = own;
    own.TaskArgsTpl::add_tensor(7);
    own.TaskArgsTpl::add_scalar(8);
    own.tensor(0) += 1;
    own.scalar(0) += 1;
    CHECK(own.tensors_[0] == 8 && own.scalars_[0] == 9 && own.tensor_count_ == 1 && own.scalar_count_ == 1);
    CHECK(own.TaskArgsTpl::tensor_count() == 1 && own.TaskArgsTpl::scalar_count() == 1);
    CHECK(*own.TaskArgsTpl::scalars() == 9 && tags.tag(0) == TensorArgType::INPUT);
    int refused = 0;
    try {
        own.add_tensor(1);
    } catch (const std::logic_error &) {
        refused += 1;
    }
    try {
        own.add_scalar(1);
    } catch (const std::out_of_range &) {
        refused += 1;
    }
    own.TaskArgsTpl::clear();
    CHECK(refused == 2 && own.tensor_count() == 0 && own.scalar_count() == 0);
}

static void host_arguments(const ContinuousTensor &t) {
    TaskArgs tagged;
    tagged.add_tensor(t);
    tagged.add_tensor(t, TensorArgType::INOUT);
    tagged.add_scalar(11);
    tagged.tag(0) = TensorArgType::OUTPUT;
    CHECK(*tagged.tag_data() == TensorArgType::OUTPUT && tagged.tags_[1] == TensorArgType::INOUT);
    static_assert(static_cast<int>(TensorArgType::OUTPUT_EXISTING) == 3 && static_cast<int>(TensorArgType::NO_DEP) == 4);
    CHECK(task_args_blob_size(tagged) == TASK_ARGS_BLOB_HEADER_SIZE + 2 * sizeof(t) + 8);
    std::vector<uint8_t> blob(task_args_blob_size(tagged));
    write_blob(blob.data(), tagged);
    const TaskArgsView read = read_blob(blob.data(), blob.size());
    const TaskArgsView made = make_view(tagged);
    static_assert(offsetof(TaskArgsView, tensor_count) == 0 && offsetof(TaskArgsView, scalar_count) == 4);
    CHECK_MEMBER(TaskArgsView::tensor_count, int32_t TaskArgsView::*);
    CHECK_MEMBER(TaskArgsView::scalar_count, int32_t TaskArgsView::*);
    CHECK_MEMBER(TaskArgsView::scalars, const uint64_t *TaskArgsView::*);
    CHECK(read.tensor_count == 2 && read.scalar_count == 1 && read.tensors[1].data == t.data && *read.scalars == 11);
    CHECK(made.tensors == tagged.tensor_data() && made.scalars == tagged.scalar_data());
    const ChipStorageTaskArgs stored = view_to_chip_storage(read);
    CHECK(stored.tensor(1).data == t.data && stored.scalar(0) == 11);
    bool refused = false;
    try {
        read_blob(blob.data(), blob.size() - 1);
    } catch (const std::runtime_error &) {
        refused = true;
    }
    CHECK(refused);
}

static void directions() {
    static_assert(CORE_MAX_TENSOR_ARGS == 16 && CHIP_MAX_TENSOR_ARGS == 64);
    static_assert(CORE_MAX_SCALAR_ARGS == 32 && CHIP_MAX_SCALAR_ARGS == 128 && CALLABLE_ALIGN == 64);
    CHECK(callable_align_up(0) == 0 && callable_align_up(1) == 64 && callable_align_up(65) == 128);
    std::string letters;
    for (ArgDirection d : {ArgDirection::SCALAR, ArgDirection::IN, ArgDirection::OUT, ArgDirection::INOUT}) {
        letters += static_cast<char>('0' + static_cast<int>(d));
        letters += arg_direction_name(d);
    }
    CHECK(letters == "0SCALAR1IN2OUT3INOUT");
}

static void views(void *memory) {
    uint32_t shape[2] = {8, 16};
    uint32_t tile[2] = {4, 16};
    uint32_t at[2] = {4, 0};
    uint32_t flat[1] = {64};
    static_assert(RUNTIME_MAX_TENSOR_DIMS == 5);
    const Tensor whole = make_tensor_external(memory, shape, 2, DataType::BFLOAT16, false, 1);
    PTOBufferHandle handle = whole.buffer;
    CHECK(handle.addr == reinterpret_cast<uint64_t>(memory) && handle.size == 8 * 16 * 2);
    CHECK(whole.owner_task_id.is_invalid() && whole.version == 1 && whole.ndims == 2 && !whole.manual_dep);
    CHECK(whole.dtype == DataType::BFLOAT16 && whole.is_all_offset_zero && whole.is_raw_eq_shapes);
    CHECK(whole.get_raw_shapes() == whole.shapes && whole.numel() == 128 && whole.is_contiguous());

    const Tensor part = whole.view(tile, at, true);
    CHECK(part.shapes[0] == 4 && part.raw_shapes[0] == 8 && part.offsets[0] == 4 && part.manual_dep);
    CHECK(!part.is_all_offset_zero && !part.is_raw_eq_shapes && part.get_raw_shapes()[1] == 16);
    CHECK(part.is_same_memref(whole) && part.is_contiguous() && part.version == 1);
    uint32_t inside[2] = {1, 2};
    CHECK(part.compute_flat_offset(inside, 2) == (4 + 1) * 16 + 2 && part.compute_flat_offset(inside, 0) == 0);
    CHECK(part.valid_reshape(flat, 1) && !whole.valid_reshape(flat, 1));
    CHECK(part.valid_transpose(0, 1) && !part.valid_transpose(0, 2));
    const Tensor line = part.reshape(flat, 1);
    CHECK(line.ndims == 1 && line.numel() == 64 && line.is_same_memref(whole));
    const Tensor turned = whole.transpose(0, 1);
    CHECK(turned.shapes[0] == 16 && turned.shapes[1] == 8);
    const std::string text = whole.dump();
    CHECK(text.find("dtype: BFLOAT16\n") != text.npos && text.find("shapes: [8, 16]\n") != text.npos);
}

static void descriptors(void *memory) {
    uint32_t shape[2] = {8, 16};
    uint32_t tile[2] = {4, 16};
    uint32_t at[2] = {4, 0};
    const Tensor whole = make_tensor_external(memory, shape, 2, DataType::UINT8);
    const Tensor part = whole.view(tile, at);
    Tensor other = whole;
    other.init(memory, 256, shape, tile, at, 2, DataType::FLOAT16, 0);
    CHECK(other.shapes[0] == 4 && other.raw_shapes[0] == 8 && other.offsets[0] == 4 && other.dtype == DataType::FLOAT16);
    other.update_start_offset();
    CHECK(other.start_offset == 64);
    other.init(whole);
    CHECK(other.dtype == DataType::UINT8 && other.is_all_offset_zero);
    other.copy(part);
    CHECK(other.offsets[0] == 4 && !other.is_raw_eq_shapes);
    other.init_with_view(whole, tile, at, true);
    CHECK(other.offsets[0] == 4 && other.manual_dep);

    const TensorCreateInfo made(shape, 2, DataType::INT8, true);
    CHECK(made.ndims == 2 && made.raw_shapes[1] == 16 && made.dtype == DataType::INT8 && made.manual_dep);
    CHECK(made.version == 0 && made.is_all_offset_zero && made.is_raw_eq_shapes && !made.has_initial_value);
    CHECK(made.buffer_size_bytes() == 128);
    TensorCreateInfo several[2];
    several[0].copy(made);
    several[0].set_initial_value<int8_t>(-2);
    CHECK(several[0].has_initial_value && several[0].initial_value == 0xfe);
    std::vector<uint8_t> bytes(128);
    other.init_from_create_info(several[0], bytes.data(), several[0].buffer_size_bytes());
    CHECK(bytes[0] == 0xfe && bytes[127] == 0xfe && other.buffer.size == 128);
    other.fill_initial_value(3);
    CHECK(bytes[0] == 3 && bytes[127] == 3);
    TensorCreateInfo same = {shape, 2};
    CHECK(same.dtype == DataType::FLOAT32);

    std::vector<Tensor> many(3, whole);
    std::array<Tensor, 2> pair{whole, part};
    Tensor listed[2] = {whole, part};
    std::swap(listed[0], pair[1]);
    CHECK(many.size() == 3 && listed[0].offsets[0] == 4 && pair[1].is_all_offset_zero);

    const Segment near{0, 4};
    const Segment far{2, 6};
    CHECK(near.line_segment_intersection(far) && !near.contains(far) && near.end == far.begin + 2);
    constexpr OverlapStatus statuses[] = {OverlapStatus::NO_OVERLAP, OverlapStatus::COVERED, OverlapStatus::OTHER};
    static_assert(statuses[0] != statuses[1] && statuses[1] != statuses[2] && statuses[0] != statuses[2]);
}

// Members whose names other classes have too: these classes have them, of these types.
static void members() {
    CHECK_MEMBER(Tensor::version, int32_t Tensor::*);
    CHECK_MEMBER(Tensor::ndims, uint32_t Tensor::*);
    CHECK_MEMBER(Tensor::dtype, DataType Tensor::*);
    CHECK_MEMBER(Tensor::is_all_offset_zero, bool Tensor::*);
    CHECK_MEMBER(Tensor::is_raw_eq_shapes, bool Tensor::*);
    CHECK_MEMBER(Tensor::manual_dep, bool Tensor::*);
    CHECK_MEMBER(Tensor::shapes, uint32_t (Tensor::*)[5]);
    CHECK_MEMBER(Tensor::raw_shapes, uint32_t (Tensor::*)[5]);
    CHECK_MEMBER(Tensor::copy, void (Tensor::*)(const Tensor &));
    CHECK_MEMBER(TensorCreateInfo::version, int32_t TensorCreateInfo::*);
    CHECK_MEMBER(TensorCreateInfo::ndims, uint32_t TensorCreateInfo::*);
    CHECK_MEMBER(TensorCreateInfo::dtype, DataType TensorCreateInfo::*);
    CHECK_MEMBER(TensorCreateInfo::is_all_offset_zero, bool TensorCreateInfo::*);
    CHECK_MEMBER(TensorCreateInfo::is_raw_eq_shapes, bool TensorCreateInfo::*);
    CHECK_MEMBER(TensorCreateInfo::manual_dep, bool TensorCreateInfo::*);
    CHECK_MEMBER(TensorCreateInfo::raw_shapes, uint32_t (TensorCreateInfo::*)[5]);
    CHECK_MEMBER(TensorCreateInfo::copy, void (TensorCreateInfo::*)(const TensorCreateInfo &));
    CHECK_MEMBER(PTOBufferHandle::addr, uint64_t PTOBufferHandle::*);
    CHECK_MEMBER(PTOBufferHandle::size, uint64_t PTOBufferHandle::*);
    CHECK_MEMBER(PTO2DeferredCompletionEntry::addr, uint64_t PTO2DeferredCompletionEntry::*);
    CHECK_MEMBER(TaskOutputTensors::size, uint32_t (TaskOutputTensors::*)() const);
}

static void launches() {
    constexpr MixedKernels none{INVALID_KERNEL_ID, INVALID_KERNEL_ID, INVALID_KERNEL_ID};
    constexpr PTO2LaunchSpec spec;
    constexpr ActiveMask three(PTO2_SUBTASK_MASK_AIC | PTO2_SUBTASK_MASK_AIV0 | PTO2_SUBTASK_MASK_AIV1);
    CHECK_MEMBER(ActiveMask::raw, uint8_t (ActiveMask::*)() const);
    CHECK_MEMBER(ActiveMask::operator==, bool (ActiveMask::*)(ActiveMask) const);
    CHECK_MEMBER(ActiveMask::operator!=, bool (ActiveMask::*)(ActiveMask) const);
    ActiveMask mask = none.to_active_mask();
    CHECK(!static_cast<bool>(mask) && mask != three && mask == ActiveMask());
    mask |= three & PTO2_SUBTASK_MASK_AIV0;
    CHECK(mask.subtask_active(PTO2SubtaskSlot::AIV0) && !mask.subtask_active(PTO2SubtaskSlot::AIV1));
    CHECK(mask.to_shape() == PTO2ResourceShape::AIV && !mask.requires_sync_start());
    mask.set_sync_start();
    CHECK(mask.requires_sync_start() && mask.has_mask(PTO2_SUBTASK_FLAG_SYNC_START) && mask.core_mask() == 2);
    mask = mask | three;
    CHECK(mask.to_shape() == PTO2ResourceShape::MIX && mask.raw() == 15 && static_cast<bool>(mask));
    CHECK(ActiveMask(PTO2_SUBTASK_MASK_AIC).to_shape() == PTO2ResourceShape::AIC);
    CHECK(three.subtask_active(PTO2SubtaskSlot::AIC) && MixedKernels{0, 1, 2}.to_active_mask() == three);
    static_assert(PTO2_SUBTASK_SLOT_COUNT == 3 && PTO2_NUM_RESOURCE_SHAPES == 3);
    CHECK(!spec.require_sync_start());
}

static void statuses() {
    static_assert(PTO2_ERROR_NONE == 0 && PTO2_ERROR_SCOPE_DEADLOCK == 1 && PTO2_ERROR_HEAP_RING_DEADLOCK == 2);
    static_assert(PTO2_ERROR_FLOW_CONTROL_DEADLOCK == 3 && PTO2_ERROR_DEP_POOL_OVERFLOW == 4);
    static_assert(PTO2_ERROR_INVALID_ARGS == 5 && PTO2_ERROR_DEPENDENCY_OVERFLOW == 6);
    static_assert(PTO2_ERROR_REQUIRE_SYNC_START_INVALID == 7 && PTO2_ERROR_TENSOR_WAIT_TIMEOUT == 8);
    static_assert(PTO2_ERROR_EXPLICIT_ORCH_FATAL == 9 && PTO2_ERROR_SCHEDULER_TIMEOUT == 100);
    static_assert(PTO2_ERROR_ASYNC_COMPLETION_INVALID == 101 && PTO2_ERROR_ASYNC_WAIT_OVERFLOW == 102);
    static_assert(PTO2_ERROR_ASYNC_REGISTRATION_FAILED == 103);
    CHECK(runtime_status_from_error_codes(0, PTO2_ERROR_ASYNC_WAIT_OVERFLOW) == -102);
    CHECK(runtime_status_from_error_codes(7, 102) == -7 && runtime_status_from_error_codes(0, 0) == 0);
}

static void kernel_side() {
    static_assert(SPMD_LOCAL_CONTEXT_INDEX == 48 && SPMD_GLOBAL_CONTEXT_INDEX == 49);
    static_assert(PAYLOAD_LOCAL_CONTEXT_INDEX == 48 && PAYLOAD_GLOBAL_CONTEXT_INDEX == 49);
    static_assert(PTO2_EXT_PARAMS_COUNT == 2 && PTO2_MAX_COMPLETIONS_PER_TASK == 64);
    static_assert(PTO2_COMPLETION_ENGINE_SDMA == PTO2_ASYNC_ENGINE_SDMA);
    static_assert(PTO2_COMPLETION_ENGINE_ROCE == PTO2_ASYNC_ENGINE_ROCE);
    static_assert(PTO2_COMPLETION_ENGINE_URMA == PTO2_ASYNC_ENGINE_URMA);
    static_assert(PTO2_COMPLETION_ENGINE_CCU == PTO2_ASYNC_ENGINE_CCU && PTO2_NUM_ASYNC_ENGINES == 4);
    static_assert(PTO2_ALIGN_UP(1, PTO2_ALIGN_SIZE) == 64 && PTO2_PACKED_OUTPUT_ALIGN == 1024);
    static_assert(PTO2_TENSOR_DATA_TIMEOUT_CYCLES == 15000000000u);
    static_assert(PTO2_COMPLETION_TYPE_COUNTER == static_cast<int>(PTO2CompletionType::COUNTER));
    CHECK_MEMBER(AsyncCtx::task_token, PTO2TaskId AsyncCtx::*);
    int64_t args[50] = {};
    PTO2DeferredCompletionIngressBuffer buffer{};
    CHECK(AsyncCtx::make(PTO2TaskId::make(0, 1), nullptr).task_token.is_invalid());
    AsyncCtx ctx = AsyncCtx::make(PTO2TaskId::make(0, 1), &buffer);
    CHECK(ctx.completion_count == &buffer.count && ctx.completion_error_code == &buffer.error_code);
    CHECK(ctx.completion_entries == buffer.entries && ctx.completion_capacity == 64 && ctx.task_token.local() == 1);
    PTO2AsyncEngine engine = PTO2_ASYNC_ENGINE_ROCE;
    buffer.entries[0] = PTO2DeferredCompletionEntry{1, 2, static_cast<uint32_t>(engine), 0, 0};
    const volatile PTO2DeferredCompletionEntry &entry = ctx.completion_entries[0];
    CHECK(entry.addr == 1 && entry.expected_value == 2 && entry.engine == 1 && entry.completion_type == 0);
    LocalContext local{};
    local.async_ctx = ctx;
    GlobalContext global{1};
    args[SPMD_LOCAL_CONTEXT_INDEX] = reinterpret_cast<int64_t>(&local);
    args[SPMD_GLOBAL_CONTEXT_INDEX] = reinterpret_cast<int64_t>(&global);
    CHECK(get_block_idx(args) == 0 && get_block_num(args) == 0 && get_sub_block_id(args) == global.sub_block_id);
    const uint32_t word = PLAIN;
    CHECK(qualified(&word) == 2);
}

static void group() {
    static_assert(COMM_MAX_RANK_NUM == 64 && sizeof(CommContext) == 1056);
    CommContext ranks{};
    ranks.rankId = 1;
    ranks.rankNum = 2;
    ranks.winSize = 4096;
    ranks.windowsIn[1] = ranks.windowsOut[1] = 7;
    uint32_t words[8];
    std::memcpy(words, &ranks, sizeof(words));
    CHECK(words[4] == 1 && words[5] == 2 && words[6] == 4096 && ranks.workSpace + ranks.workSpaceSize == 0);
}

extern "C" {

__attribute__((visibility("default"))) void values_orchestration(const ChipStorageTaskArgs &orch_args) {
    task_ids();
    data_types();
    call_arguments(orch_args);
    host_arguments(orch_args.tensor(0));
    directions();
    views(orch_args.tensor(0).data_as<void>());
    descriptors(orch_args.tensor(0).data_as<void>());
    members();
    launches();
    statuses();
    kernel_side();
    group();
    report(orch_args.scalar(0));
}
}
