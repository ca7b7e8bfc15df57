// Two kernels and everything around them. No visibility attribute: hbg entries carry none.
#include "orchestration_api.h"

#define FUNC_ADD 0
#define FUNC_DOUBLE 1

extern "C" {

static constexpr int TILE = 128;

int build_graph(OrchestrationRuntime *runtime, const ChipStorageTaskArgs &orch_args) {
    if (orch_args.tensor_count() < 2 || orch_args.scalar_count() < 1) {
        return -77;
    }
    const ContinuousTensor &src = orch_args.tensor(0);
    const ContinuousTensor &dst = orch_args.tensor(1);
    size_t bytes = src.nbytes();
    void *in = device_malloc(runtime, bytes);
    void *out = device_malloc(runtime, dst.nbytes());
    void *spare = device_malloc(runtime, 1);
    if (spare) device_free(runtime, spare);
    copy_to_device(runtime, in, src.data_as<void>(), bytes);
    record_tensor_pair(runtime, dst.data_as<void>(), out, dst.nbytes());

    TensorInfo seen[] = {make_tensor_info_from_tensor_arg(src), make_tensor_info(dst.dtype, dst.ndims, dst.shapes)};
    uint32_t raw[2] = {4, 4};
    uint32_t at[2] = {1, 0};
    TensorInfo placed = make_tensor_info(DataType::FLOAT32, 2, src.shapes, raw, at);

    union {
        float real;
        uint64_t word;
    } factor;
    factor.real = 0.5f;
    uint64_t args_a[3];
    args_a[0] = reinterpret_cast<uint64_t>(in);
    args_a[1] = factor.word;
    args_a[2] = TILE;
    int first = add_task(runtime, args_a, 3, FUNC_ADD, CoreType::AIV);
    set_tensor_info_to_task(runtime, first, seen, 1);
    std::vector<uint64_t> more = {reinterpret_cast<uint64_t>(in), reinterpret_cast<uint64_t>(out), TILE};
    int second = add_task_with_tensor_info(
        runtime, more.data(), static_cast<int>(more.size()), FUNC_DOUBLE, CoreType::AIC, &placed, 1
    );
    add_successor(runtime, first, second);
    print_runtime(runtime);
    return get_task_count(runtime) == 2 ? 0 : -3;
}
}
