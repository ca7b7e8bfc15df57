// Producers with one consumer each, in scopes small enough that window and heap recycle behind them.
#include <algorithm>
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_PRODUCE 0
#define FUNC_CONSUME 1

static constexpr uint32_t PAIRS_PER_SCOPE = 256;

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 3,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor done = from_tensor_arg(orch_args.tensor(0));
    const uint32_t pairs = static_cast<uint32_t>(orch_args.scalar(0));
    const uint32_t work = static_cast<uint32_t>(orch_args.scalar(1));
    const uint32_t shape[1] = {16};
    TensorCreateInfo made(shape, 1, DataType::INT32);

    Arg job;
    for (uint32_t first = 0; first < pairs; first += PAIRS_PER_SCOPE) {
        const uint32_t end = std::min(pairs, first + PAIRS_PER_SCOPE);
        PTO2_SCOPE() {
            for (uint32_t index = first; index < end; index++) {
                job.reset();
                job.add_output(made);
                job.add_scalar(index, work);
                TaskOutputTensors outs = rt_submit_aiv_task(FUNC_PRODUCE, job);

                job.reset();
                job.add_input(outs.get_ref(0));
                job.add_no_dep(done);
                job.add_scalar(index, work);
                rt_submit_aiv_task(FUNC_CONSUME, job);
            }
        }
    }
}
}
