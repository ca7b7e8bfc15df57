// SPMD tasks by a plan: one row {shape, blocks, start together} per task. Each block writes a line of the output per
// lane; tasks follow one another in it.
//
// The reference's tests hand the whole output to every task, which makes them run one after another. Only tasks that
// the runtime may run at once compete for cores, so here that is one mode of four.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_CUBE 0
#define FUNC_VECTOR 1

enum Shape : int32_t { CUBE = 0, VECTOR = 1, MIX = 2 };

enum Mode : int32_t {
    DISJOINT = 0,  // each task its own view, tracked
    SERIAL = 1,    // each task the whole output
    NO_DEP = 2,    // each task its own view, declared harmless
    MANUAL = 3,    // each task its own view, not tracked
};

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 3,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor out = from_tensor_arg(orch_args.tensor(0));
    const int32_t *plan = orch_args.tensor(1).data_as<int32_t>();
    const uint32_t tasks = orch_args.tensor(1).shapes[0];
    const int32_t mode = static_cast<int32_t>(orch_args.scalar(0));

    const uint32_t line[1] = {16};
    TensorCreateInfo counter(line, 1, DataType::INT32);
    counter.set_initial_value(0);

    uint32_t next_line = 0;
    for (uint32_t task = 0; task < tasks; task++) {
        const int32_t shape = plan[3 * task];
        const int32_t blocks = plan[3 * task + 1];
        const bool together = plan[3 * task + 2] != 0;
        const uint32_t lanes = shape == MIX ? 3 : 1;
        const uint32_t lines = lanes * static_cast<uint32_t>(blocks);

        const uint32_t part[2] = {lines, out.shapes[1]};
        const uint32_t at[2] = {next_line, 0};
        Tensor own = out.view(part, at, mode == MANUAL);
        Arg job;
        if (mode == SERIAL) {
            job.add_inout(out);
        } else if (mode == NO_DEP) {
            job.add_no_dep(own);
        } else {
            job.add_inout(own);
        }
        job.add_output(counter);
        job.add_scalar(mode == SERIAL ? next_line : 0u, lanes, together ? lines : 0u);
        job.launch_spec.set_block_num(static_cast<int16_t>(blocks));
        job.launch_spec.set_require_sync_start(together);

        MixedKernels kernels;
        if (shape != VECTOR) kernels.aic_kernel_id = FUNC_CUBE;
        if (shape != CUBE) kernels.aiv0_kernel_id = FUNC_VECTOR;
        if (shape == MIX) kernels.aiv1_kernel_id = FUNC_VECTOR;
        rt_submit_task(kernels, job);
        next_line += lines;
    }
}
}
