// Everything kernels can see through tensor.h and intrinsic.h, used as in an orchestration.
#include <cstdint>
#include <pto/pto-inst.hpp>

#include "intrinsic.h"
#include "pto_runtime_status.h"
#include "tensor.h"

enum class Mode : uint8_t { Fast = 1 };

static uint64_t data_types() {
    uint64_t sum = 0;
    for (DataType each : {DataType::FLOAT32, DataType::FLOAT16, DataType::INT32, DataType::INT16, DataType::INT8,
                          DataType::UINT8, DataType::BFLOAT16, DataType::INT64, DataType::UINT64, DataType::UINT16,
                          DataType::UINT32, DataType::DATA_TYPE_NUM}) {
        sum += get_element_size(each) + static_cast<uint64_t>(get_dtype_name(each)[0]);
    }
    static_assert(is_supported_scalar_arg_v<Mode>);
    return sum + to_u64(Mode::Fast) + from_u64<uint32_t>(1);
}

PTO_DEVICE_FUNC static uint64_t task_ids() {
    constexpr PTO2TaskId id = PTO2TaskId::make(1, 2);
    static_assert(id.is_valid() && !id.is_invalid() && id != PTO2TaskId::invalid() && id == id);
    return id.raw + id.ring() + id.local();
}

static uint64_t descriptors(const Tensor &whole, void *memory) {
    uint32_t shape[2] = {2, 2};
    uint32_t at[2] = {0, 0};
    uint32_t flat[1] = {4};
    Tensor part = whole.view(shape, at);
    Tensor other = part.reshape(flat, 1).transpose(0, 0);
    other.init(memory, 16, shape, shape, at, 2, DataType::FLOAT32, 0);
    other.copy(part);
    other.init_with_view(whole, shape, at);
    other.update_start_offset();
    TensorCreateInfo made(shape, 2), same;
    made.set_initial_value(1);
    same.copy(made);
    other.init_from_create_info(same, memory, same.buffer_size_bytes());
    other.fill_initial_value(same.initial_value);
    PTOBufferHandle handle = whole.buffer;
    Segment segment{0, 4};
    OverlapStatus status = segment.contains(segment) ? OverlapStatus::COVERED : OverlapStatus::NO_OVERLAP;
    if (!segment.line_segment_intersection({segment.begin, segment.end})) status = OverlapStatus::OTHER;
    static_assert(RUNTIME_MAX_TENSOR_DIMS == 5);
    uint64_t sum = handle.addr + handle.size + part.start_offset + part.owner_task_id.raw + part.dump().size();
    sum += static_cast<uint64_t>(part.version) + part.ndims + part.shapes[0] + part.raw_shapes[0] + part.offsets[0];
    sum += part.get_raw_shapes()[1] + part.numel() + part.compute_flat_offset(at, 2) + part.is_contiguous();
    sum += part.is_all_offset_zero + part.is_raw_eq_shapes + part.manual_dep + (part.dtype == DataType::BFLOAT16);
    sum += part.valid_reshape(flat, 1) + part.valid_transpose(0, 1) + part.is_same_memref(whole);
    sum += same.has_initial_value + same.is_all_offset_zero + same.is_raw_eq_shapes + same.manual_dep + same.ndims;
    sum += static_cast<uint64_t>(same.version) + same.raw_shapes[0] + (same.dtype == DataType::INT8);
    return sum + (status == OverlapStatus::COVERED);
}

static uint64_t contexts(__gm__ int64_t *args) {
    static_assert(SPMD_LOCAL_CONTEXT_INDEX == 48 && SPMD_GLOBAL_CONTEXT_INDEX == 49);
    static_assert(PAYLOAD_LOCAL_CONTEXT_INDEX == 48 && PAYLOAD_GLOBAL_CONTEXT_INDEX == 49);
    static_assert(PTO2_EXT_PARAMS_COUNT == 2 && PTO2_MAX_COMPLETIONS_PER_TASK == 64);
    static_assert(PTO2_ALIGN_UP(1, PTO2_ALIGN_SIZE) == 64 && PTO2_PACKED_OUTPUT_ALIGN == 1024);
    __gm__ LocalContext *local = reinterpret_cast<__gm__ LocalContext *>(args[SPMD_LOCAL_CONTEXT_INDEX]);
    __gm__ GlobalContext *global = reinterpret_cast<__gm__ GlobalContext *>(args[SPMD_GLOBAL_CONTEXT_INDEX]);
    AsyncCtx ctx = AsyncCtx::make(local->async_ctx.task_token, nullptr);
    ctx = local->async_ctx;
    __gm__ PTO2DeferredCompletionIngressBuffer *buffer =
        reinterpret_cast<__gm__ PTO2DeferredCompletionIngressBuffer *>(args[0]);
    PTO2DeferredCompletionEntry entry = buffer->entries[0];
    uint64_t sum = entry.addr + entry.expected_value + entry.engine + static_cast<uint64_t>(entry.completion_type);
    sum += *ctx.completion_count + static_cast<uint64_t>(*ctx.completion_error_code) + ctx.completion_entries->addr;
    sum += static_cast<uint64_t>(buffer->error_code + global->sub_block_id);
    return sum + ctx.completion_capacity + buffer->count;
}

static int32_t statuses(int n) {
    static_assert(PTO2_ERROR_NONE == 0 && PTO2_ERROR_SCOPE_DEADLOCK == 1 && PTO2_ERROR_HEAP_RING_DEADLOCK == 2);
    static_assert(PTO2_ERROR_FLOW_CONTROL_DEADLOCK == 3 && PTO2_ERROR_DEP_POOL_OVERFLOW == 4);
    static_assert(PTO2_ERROR_INVALID_ARGS == 5 && PTO2_ERROR_DEPENDENCY_OVERFLOW == 6);
    static_assert(PTO2_ERROR_REQUIRE_SYNC_START_INVALID == 7 && PTO2_ERROR_TENSOR_WAIT_TIMEOUT == 8);
    static_assert(PTO2_ERROR_EXPLICIT_ORCH_FATAL == 9 && PTO2_ERROR_SCHEDULER_TIMEOUT == 100);
    static_assert(PTO2_ERROR_ASYNC_COMPLETION_INVALID == 101 && PTO2_ERROR_ASYNC_WAIT_OVERFLOW == 102);
    static_assert(PTO2_ERROR_ASYNC_REGISTRATION_FAILED == 103);
    always_assert(n < 1000);
    debug_assert(n != 5);
    MAYBE_UNINITIALIZED_BEGIN
    if (n == 999) assert_impl("n", get_stacktrace().c_str(), __LINE__);
    MAYBE_UNINITIALIZED_END
    PTO_PRAGMA(GCC diagnostic push)
    PTO_PRAGMA(GCC diagnostic pop)
    try {
        if (n == 998) throw AssertionError("n", __FILE__, __LINE__);
    } catch (const AssertionError &error) {
        return error.line() + error.condition()[0] + error.file()[0];
    }
    return runtime_status_from_error_codes(n, 0);
}

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *whole = reinterpret_cast<__gm__ Tensor *>(args[0]);
    args[2] = static_cast<int64_t>(data_types() + task_ids() + descriptors(*whole, nullptr) + contexts(args)) +
              statuses(static_cast<int>(args[1]));
}
