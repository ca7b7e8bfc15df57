// Everything kernels can see through tensor.h and intrinsic.h, used as in an orchestration.
#include <cstdint>
#include <pto/pto-inst.hpp>

#include "intrinsic.h"
#include "pto_runtime_status.h"
#include "tensor.h"

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
    static_assert(static_cast<int>(DataType::DATA_TYPE_NUM) == 11);
    static_assert(is_supported_scalar_arg_v<Mode> && !is_supported_scalar_arg_v<void *>);
    CHECK(get_dtype_name(DataType::INT8) == std::string("INT8"));
    CHECK(to_u64(Mode::Fast) == 1 && to_u64(-1) == 0xffffffff && from_u64<uint16_t>(0x12345678) == 0x5678);
}

PTO_DEVICE_FUNC static void task_ids() {
    constexpr PTO2TaskId id = PTO2TaskId::make(1, 2);
    static_assert(id.is_valid() && !id.is_invalid() && id != PTO2TaskId::invalid() && id == id);
    CHECK_MEMBER(PTO2TaskId::make, PTO2TaskId (*)(uint8_t, uint32_t));
    CHECK(id.raw == 0x100000002 && id.ring() == 1 && id.local() == 2);
}

// A tile of floats, 4 by 8, that starts in row 4 of a buffer.
static void views(const Tensor &tile) {
    uint32_t shape[2] = {2, 8};
    uint32_t at[2] = {1, 0};
    uint32_t flat[1] = {16};
    static_assert(RUNTIME_MAX_TENSOR_DIMS == 5);
    PTOBufferHandle handle = tile.buffer;
    CHECK(handle.addr != 0 && handle.size == 8 * 8 * 4 && tile.owner_task_id.is_invalid() && tile.version == 0);
    CHECK(tile.ndims == 2 && tile.shapes[0] == 4 && tile.raw_shapes[0] == 8 && tile.offsets[0] == 4);
    CHECK(tile.start_offset == 32 && tile.dtype == DataType::FLOAT32 && !tile.manual_dep);
    CHECK(!tile.is_all_offset_zero && !tile.is_raw_eq_shapes && tile.get_raw_shapes()[1] == 8);
    CHECK(tile.numel() == 32 && tile.is_contiguous() && tile.compute_flat_offset(at, 2) == 40);
    const Tensor part = tile.view(shape, at);
    CHECK(part.offsets[0] == 5 && part.is_same_memref(tile) && part.valid_transpose(0, 1));
    CHECK(part.valid_reshape(flat, 1) && part.reshape(flat, 1).numel() == 16);
    CHECK(part.transpose(0, 1).shapes[0] == 8 && part.dump().find("offsets: [5, 0]\n") != std::string::npos);
}

static void descriptors(const Tensor &tile) {
    uint32_t shape[2] = {2, 8};
    uint32_t at[2] = {1, 0};
    Tensor other = tile;
    other.init(nullptr, 16, shape, shape, at, 2, DataType::INT8, 3);
    CHECK(other.dtype == DataType::INT8 && other.version == 3 && other.owner_task_id.is_invalid());
    other.copy(tile);
    CHECK(other.offsets[0] == 4 && other.version == 0);
    other.init_with_view(tile, shape, at, true);
    other.update_start_offset();
    CHECK(other.start_offset == 40 && other.manual_dep);
    TensorCreateInfo made(shape, 2, DataType::UINT8, true), same;
    made.set_initial_value<uint8_t>(7);
    same.copy(made);
    CHECK(same.has_initial_value && same.initial_value == 7 && same.buffer_size_bytes() == 16 && same.ndims == 2);
    CHECK(same.is_all_offset_zero && same.is_raw_eq_shapes && same.manual_dep && same.version == 0);
    CHECK(same.raw_shapes[0] == 2 && same.dtype == DataType::UINT8);
    uint8_t memory[16] = {};
    other.init_from_create_info(same, memory, sizeof(memory));
    CHECK(memory[0] == 7 && memory[15] == 7);
    other.fill_initial_value(9);
    CHECK(memory[0] == 9 && memory[15] == 9);
    const Segment near{0, 4};
    const Segment far{2, 6};
    CHECK(near.line_segment_intersection(far) && !near.contains(far) && near.end == far.begin + 2);
    constexpr OverlapStatus all[] = {OverlapStatus::NO_OVERLAP, OverlapStatus::COVERED, OverlapStatus::OTHER};
    static_assert(all[0] != all[1] && all[1] != all[2] && all[0] != all[2]);
}

// Members whose names other classes have too: these classes have them, of these types.
static void members() {
    CHECK_MEMBER(Tensor::version, int32_t Tensor::*);
    CHECK_MEMBER(Tensor::ndims, uint32_t Tensor::*);
    CHECK_MEMBER(Tensor::dtype, DataType Tensor::*);
    CHECK_MEMBER(Tensor::is_all_offset_zero, bool Tensor::*);
    CHECK_MEMBER(Tensor::is_raw_eq_shapes, bool Tensor::*);
    CHECK_MEMBER(Tensor::manual_dep, bool Tensor::*);
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
    CHECK_MEMBER(PTO2DeferredCompletionEntry::addr, uint64_t PTO2DeferredCompletionEntry::*);
}

static void contexts(__gm__ int64_t *args) {
    static_assert(SPMD_LOCAL_CONTEXT_INDEX == 48 && SPMD_GLOBAL_CONTEXT_INDEX == 49);
    static_assert(PAYLOAD_LOCAL_CONTEXT_INDEX == 48 && PAYLOAD_GLOBAL_CONTEXT_INDEX == 49);
    static_assert(PTO2_EXT_PARAMS_COUNT == 2 && PTO2_MAX_COMPLETIONS_PER_TASK == 64);
    static_assert(PTO2_ALIGN_UP(1, PTO2_ALIGN_SIZE) == 64 && PTO2_PACKED_OUTPUT_ALIGN == 1024);
    __gm__ LocalContext *local = reinterpret_cast<__gm__ LocalContext *>(args[SPMD_LOCAL_CONTEXT_INDEX]);
    __gm__ GlobalContext *global = reinterpret_cast<__gm__ GlobalContext *>(args[SPMD_GLOBAL_CONTEXT_INDEX]);
    AsyncCtx ctx = local->async_ctx;
    CHECK(ctx.task_token.is_valid() && ctx.completion_capacity == 64 && *ctx.completion_count == 0);
    CHECK(*ctx.completion_error_code == 0 && ctx.completion_entries != nullptr);
    CHECK(global->sub_block_id == get_sub_block_id(args) && get_block_idx(args) == 0 && get_block_num(args) == 1);

    PTO2DeferredCompletionIngressBuffer buffer{};
    CHECK(AsyncCtx::make(ctx.task_token, nullptr).task_token.is_invalid());
    ctx = AsyncCtx::make(ctx.task_token, &buffer);
    CHECK(ctx.completion_entries == buffer.entries && ctx.completion_count == &buffer.count);
    CHECK(ctx.completion_error_code == &buffer.error_code);
    buffer.entries[1] = PTO2DeferredCompletionEntry{1, 2, 3, 4, 0};
    const volatile PTO2DeferredCompletionEntry &entry = ctx.completion_entries[1];
    CHECK(entry.addr == 1 && entry.expected_value == 2 && entry.engine == 3 && entry.completion_type == 4);
}

static void statuses() {
    static_assert(PTO2_ERROR_NONE == 0 && PTO2_ERROR_SCOPE_DEADLOCK == 1 && PTO2_ERROR_HEAP_RING_DEADLOCK == 2);
    static_assert(PTO2_ERROR_FLOW_CONTROL_DEADLOCK == 3 && PTO2_ERROR_DEP_POOL_OVERFLOW == 4);
    static_assert(PTO2_ERROR_INVALID_ARGS == 5 && PTO2_ERROR_DEPENDENCY_OVERFLOW == 6);
    static_assert(PTO2_ERROR_REQUIRE_SYNC_START_INVALID == 7 && PTO2_ERROR_TENSOR_WAIT_TIMEOUT == 8);
    static_assert(PTO2_ERROR_EXPLICIT_ORCH_FATAL == 9 && PTO2_ERROR_SCHEDULER_TIMEOUT == 100);
    static_assert(PTO2_ERROR_ASYNC_COMPLETION_INVALID == 101 && PTO2_ERROR_ASYNC_WAIT_OVERFLOW == 102);
    static_assert(PTO2_ERROR_ASYNC_REGISTRATION_FAILED == 103);
    CHECK(runtime_status_from_error_codes(0, 101) == -101 && runtime_status_from_error_codes(5, 101) == -5);
}

static void assertions(int n) {
    always_assert(n < 1000);
    debug_assert(n == -1);
    MAYBE_UNINITIALIZED_BEGIN
    int quiet;
    if (n > 0) quiet = n;
    CHECK(quiet == n);
    MAYBE_UNINITIALIZED_END
    PTO_PRAGMA(GCC diagnostic push)
    PTO_PRAGMA(GCC diagnostic pop)
    // Called, it ends the process; `headers_calls.rs` looks at that.
    void (*volatile end)(const char *, const char *, int) = assert_impl;
    CHECK(end != nullptr && get_stacktrace().empty());
    try {
        throw AssertionError("n", "file", 7);
    } catch (const AssertionError &error) {
        CHECK(error.line() == 7 && error.condition() == std::string("n") && error.file() == std::string("file"));
    }
}

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    const Tensor &tile = *reinterpret_cast<__gm__ Tensor *>(args[0]);
    data_types();
    task_ids();
    views(tile);
    descriptors(tile);
    members();
    contexts(args);
    statuses();
    assertions(static_cast<int>(args[1]));
    report(static_cast<uint64_t>(args[2]));
}
