// Gives up while a long graph runs: what was submitted must not keep the run from ending.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_LINK 0

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 2,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor x = from_tensor_arg(orch_args.tensor(0));
    const uint32_t submitted = static_cast<uint32_t>(orch_args.scalar(0));
    for (uint32_t index = 0; index < 2 * submitted; index++) {
        if (index == submitted) rt_report_fatal(PTO2_ERROR_EXPLICIT_ORCH_FATAL, "enough after %u tasks", index);
        PTO2_SCOPE() {
            Arg job;
            job.add_inout(x);
            job.add_scalar(index, 20'000u);
            rt_submit_aiv_task(FUNC_LINK, job);
        }
    }
}
}
