// Independent tasks, in scopes small enough that the window recycles behind them.
#include <algorithm>
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_COUNT 0

static constexpr uint32_t TASKS_PER_SCOPE = 512;

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
    const uint32_t tasks = static_cast<uint32_t>(orch_args.scalar(0));
    const uint32_t work = static_cast<uint32_t>(orch_args.scalar(1));

    Arg job;
    for (uint32_t first = 0; first < tasks; first += TASKS_PER_SCOPE) {
        const uint32_t end = std::min(tasks, first + TASKS_PER_SCOPE);
        PTO2_SCOPE() {
            for (uint32_t index = first; index < end; index++) {
                job.reset();
                job.add_no_dep(done);
                job.add_scalar(index, work);
                rt_submit_aiv_task(FUNC_COUNT, job);
            }
        }
    }
}
}
