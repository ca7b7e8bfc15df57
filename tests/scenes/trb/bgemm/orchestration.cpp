// Per group and step of k: the cube core makes the partial products of the group's tiles, a vector core adds them to
// the result. The additions of a group form a chain through its view of the result; groups are independent.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_MATMUL 0
#define FUNC_ACCUMULATE 1

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 4,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor a = from_tensor_arg(orch_args.tensor(0));
    Tensor b = from_tensor_arg(orch_args.tensor(1));
    Tensor c = from_tensor_arg(orch_args.tensor(2));
    // The configuration is memory of the call, readable here at once.
    const int32_t *config = orch_args.tensor(3).data_as<int32_t>();
    const uint32_t groups = static_cast<uint32_t>(config[0]);
    const uint32_t grid_k = static_cast<uint32_t>(config[1]);
    const uint32_t tiles = static_cast<uint32_t>(config[2]);
    const uint32_t tile = static_cast<uint32_t>(config[3]);

    const uint32_t factor[5] = {1, 1, tiles, tile, tile};
    const uint32_t sum[4] = {1, tiles, tile, tile};
    TensorCreateInfo made(sum, 4);
    for (uint32_t group = 0; group < groups; group++) {
        PTO2_SCOPE() {
            const uint32_t result_at[4] = {group, 0, 0, 0};
            Tensor result = c.view(sum, result_at);
            for (uint32_t k = 0; k < grid_k; k++) {
                const uint32_t at[5] = {group, k, 0, 0, 0};
                Tensor left = a.view(factor, at);
                Tensor right = b.view(factor, at);
                Arg product;
                product.add_input(left, right);
                product.add_output(made);
                TaskOutputTensors partial = rt_submit_aic_task(FUNC_MATMUL, product);

                Arg addition;
                addition.add_input(partial.get_ref(0));
                addition.add_inout(result);
                rt_submit_aiv_task(FUNC_ACCUMULATE, addition);
            }
        }
    }
}
}
