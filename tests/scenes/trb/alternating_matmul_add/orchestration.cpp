// Products and sums of tiles, submitted in turn; a task takes a whole group of tiles.
#include <algorithm>
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_MATMUL 0
#define FUNC_ADD 1

// out = f(x, y) over `count` tiles from `first` on.
static void submit_group(bool cube, const Tensor &x, const Tensor &y, const Tensor &out, uint32_t first, uint32_t count) {
    const uint32_t shape[3] = {count, x.shapes[1], x.shapes[2]};
    const uint32_t at[3] = {first, 0, 0};
    Tensor from_x = x.view(shape, at);
    Tensor from_y = y.view(shape, at);
    Tensor into = out.view(shape, at);
    Arg job;
    job.add_input(from_x, from_y);
    job.add_output(into);
    if (cube) {
        rt_submit_aic_task(FUNC_MATMUL, job);
    } else {
        rt_submit_aiv_task(FUNC_ADD, job);
    }
}

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 8,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor a = from_tensor_arg(orch_args.tensor(0));
    Tensor b = from_tensor_arg(orch_args.tensor(1));
    Tensor x = from_tensor_arg(orch_args.tensor(2));
    Tensor y = from_tensor_arg(orch_args.tensor(3));
    Tensor c = from_tensor_arg(orch_args.tensor(4));
    Tensor z = from_tensor_arg(orch_args.tensor(5));
    const uint32_t matmul_group = static_cast<uint32_t>(orch_args.scalar(0));
    const uint32_t add_group = static_cast<uint32_t>(orch_args.scalar(1));

    uint32_t matmul = 0;
    uint32_t add = 0;
    while (matmul < a.shapes[0] || add < x.shapes[0]) {
        PTO2_SCOPE() {
            if (matmul < a.shapes[0]) {
                const uint32_t count = std::min(matmul_group, a.shapes[0] - matmul);
                submit_group(true, a, b, c, matmul, count);
                matmul += count;
            }
            if (add < x.shapes[0]) {
                const uint32_t count = std::min(add_group, x.shapes[0] - add);
                submit_group(false, x, y, z, add, count);
                add += count;
            }
        }
    }
}
}
