// Five tasks per iteration, one for each combination of lanes. All lanes of a task see the same arguments; the
// kernels know at which of them their own begin.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_MATMUL 0
#define FUNC_ADD_AT_3 1
#define FUNC_MUL_AT_6 2
#define FUNC_ADD 3
#define FUNC_MUL_AT_3 4

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 15,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor A = from_tensor_arg(orch_args.tensor(0));
    Tensor B = from_tensor_arg(orch_args.tensor(1));
    Tensor D = from_tensor_arg(orch_args.tensor(2));
    Tensor E = from_tensor_arg(orch_args.tensor(3));
    Tensor G = from_tensor_arg(orch_args.tensor(4));
    Tensor H = from_tensor_arg(orch_args.tensor(5));
    const uint32_t iterations = orch_args.tensor(6).shapes[0];
    const uint32_t slice[3] = {1, A.shapes[0], A.shapes[1]};

    for (uint32_t iteration = 0; iteration < iterations; iteration++) {
        PTO2_SCOPE() {
            const uint32_t at[3] = {iteration, 0, 0};
            auto part = [&](int index) { return from_tensor_arg(orch_args.tensor(index)).view(slice, at); };
            Tensor C = part(6), F = part(7), I = part(8), J = part(9), K = part(10);
            Tensor L = part(11), M = part(12), N = part(13), O = part(14);

            Arg all;
            all.add_input(A, B);
            all.add_output(C);
            all.add_input(D, E);
            all.add_output(F);
            all.add_input(G, H);
            all.add_output(I);
            rt_submit_task({FUNC_MATMUL, FUNC_ADD_AT_3, FUNC_MUL_AT_6}, all);

            Arg cube;
            cube.add_input(A, B);
            cube.add_output(J);
            rt_submit_aic_task(FUNC_MATMUL, cube);

            Arg vector;
            vector.add_input(D, E);
            vector.add_output(K);
            rt_submit_aiv_task(FUNC_ADD, vector);

            Arg both_vectors;
            both_vectors.add_input(D, E);
            both_vectors.add_output(L);
            both_vectors.add_input(G, H);
            both_vectors.add_output(M);
            rt_submit_task({INVALID_KERNEL_ID, FUNC_ADD, FUNC_MUL_AT_3}, both_vectors);

            Arg cube_and_one;
            cube_and_one.add_input(A, B);
            cube_and_one.add_output(N);
            cube_and_one.add_input(D, E);
            cube_and_one.add_output(O);
            rt_submit_task({FUNC_MATMUL, FUNC_ADD_AT_3, INVALID_KERNEL_ID}, cube_and_one);
        }
    }
}
}
