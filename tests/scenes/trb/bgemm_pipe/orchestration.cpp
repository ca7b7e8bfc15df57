// c += a · b by tiles. Each output tile is a chain of mixed tasks, one per step of k: the cube core makes the partial
// product, and each vector core adds one half of every row block it receives.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_PRODUCT 0
#define FUNC_SUM 1
#define FUNC_PRODUCT_BY_NAME 2
#define FUNC_SUM_BY_NAME 3

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 5,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor a = from_tensor_arg(orch_args.tensor(0));
    Tensor b = from_tensor_arg(orch_args.tensor(1));
    Tensor c = from_tensor_arg(orch_args.tensor(2));
    const bool by_name = orch_args.scalar(0) != 0;
    const uint32_t tile = static_cast<uint32_t>(orch_args.scalar(1));
    const uint32_t batch = a.shapes[0];
    const uint32_t grid = a.shapes[1] / tile;

    MixedKernels kernels;
    kernels.aic_kernel_id = by_name ? FUNC_PRODUCT_BY_NAME : FUNC_PRODUCT;
    kernels.aiv0_kernel_id = by_name ? FUNC_SUM_BY_NAME : FUNC_SUM;
    kernels.aiv1_kernel_id = kernels.aiv0_kernel_id;

    const uint32_t shape[3] = {1, tile, tile};
    auto cut = [&](const Tensor &matrix, uint32_t index, uint32_t row, uint32_t column) {
        const uint32_t at[3] = {index, row * tile, column * tile};
        return matrix.view(shape, at);
    };
    for (uint32_t index = 0; index < batch; index++) {
        for (uint32_t row = 0; row < grid; row++) {
            for (uint32_t column = 0; column < grid; column++) {
                PTO2_SCOPE() {
                    Tensor out = cut(c, index, row, column);
                    for (uint32_t k = 0; k < grid; k++) {
                        Tensor left = cut(a, index, row, k);
                        Tensor right = cut(b, index, k, column);
                        Arg job;
                        job.add_input(left, right);
                        job.add_inout(out);
                        rt_submit_task(kernels, job);
                    }
                }
            }
        }
    }
}
}
