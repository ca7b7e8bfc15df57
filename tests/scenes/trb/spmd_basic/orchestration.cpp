// A mixed task of one block in the outer scope, one of two blocks in an inner one.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_CUBE 0
#define FUNC_VECTOR 1

static void submit(const Tensor &out, int16_t blocks) {
    Arg job;
    job.add_inout(out);
    job.launch_spec.set_block_num(blocks);
    rt_submit_task({FUNC_CUBE, FUNC_VECTOR, FUNC_VECTOR}, job);
}

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 2,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor one = from_tensor_arg(orch_args.tensor(0));
    Tensor two = from_tensor_arg(orch_args.tensor(1));
    submit(one, 1);
    PTO2_SCOPE() { submit(two, 2); }
}
}
