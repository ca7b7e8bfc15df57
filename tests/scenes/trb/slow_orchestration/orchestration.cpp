// An orchestration that takes its time: cores and schedulers wait for it, and no limit counts against them.
#include <chrono>
#include <stdint.h>
#include <thread>

#include "pto_orchestration_api.h"

#define FUNC_LINK 0

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 3,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor x = from_tensor_arg(orch_args.tensor(0));
    const uint32_t links = static_cast<uint32_t>(orch_args.scalar(0));
    const std::chrono::milliseconds pause(orch_args.scalar(1));
    for (uint32_t index = 0; index < links; index++) {
        Arg job;
        job.add_inout(x);
        job.add_scalar(index, 0u);
        rt_submit_aiv_task(FUNC_LINK, job);
        std::this_thread::sleep_for(pause);
    }
}
}
