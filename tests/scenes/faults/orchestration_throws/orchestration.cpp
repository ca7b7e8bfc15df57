// Leaves by an exception, with tasks in flight and a scope open.
#include <stdexcept>
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_AFFINE 0

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
    PTO2_SCOPE() {
        for (int i = 0; i < 100; i++) {
            Arg job;
            job.add_inout(x);
            job.add_scalar(1u, 1u);
            rt_submit_aiv_task(FUNC_AFFINE, job);
        }
        switch (orch_args.scalar(0)) {
        case 0:
            throw std::runtime_error("the user's own words");
        case 1:
            throw 42;
        case 2:
            always_assert(x.ndims == 7);
            break;
        case 3:
            throw std::out_of_range("far away");
        case 4:
            rt_report_fatal(PTO2_ERROR_EXPLICIT_ORCH_FATAL, "the first words count");
            throw std::runtime_error("not these");
        }
    }
}
}
