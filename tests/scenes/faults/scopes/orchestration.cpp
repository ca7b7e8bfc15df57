// Scopes opened too deep, in the wrong mode, or never closed, and ends without a beginning.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_AFFINE 0

enum Mistake : uint64_t {
    TOO_DEEP,
    AUTO_IN_MANUAL,
    NOT_OPEN,
    LEFT_OPEN,
};

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 2,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    switch (static_cast<Mistake>(orch_args.scalar(0))) {
    case TOO_DEEP:
        for (int depth = 0; depth < 70; depth++) rt_scope_begin();
        break;
    case AUTO_IN_MANUAL:
        PTO2_SCOPE(PTO2ScopeMode::MANUAL) {
            PTO2_SCOPE() {}
        }
        break;
    case NOT_OPEN:
        for (int depth = 0; depth < 3; depth++) rt_scope_end();
        break;
    case LEFT_OPEN: {
        for (int depth = 0; depth < 3; depth++) rt_scope_begin();
        Tensor x = from_tensor_arg(orch_args.tensor(0));
        Arg job;
        job.add_inout(x);
        job.add_scalar(1u, 1u);
        rt_submit_aiv_task(FUNC_AFFINE, job);
        break;
    }
    }
}
}
