// Reports a fatal error; everything after it does nothing and harms nobody.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_NONE 0

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 1,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor x = from_tensor_arg(orch_args.tensor(0));
    TensorCreateInfo made(x.shapes, x.ndims, x.dtype);
    TaskOutputTensors before = alloc_tensors(made);

    rt_report_fatal(PTO2_ERROR_EXPLICIT_ORCH_FATAL, "the user gives up after %u tensor", before.size());
    if (!rt_is_fatal()) return;

    Arg job;
    job.add_inout(x);
    if (!rt_submit_aiv_task(FUNC_NONE, job).empty()) rt_report_fatal(PTO2_ERROR_INVALID_ARGS, "a task came after the end");
    if (!alloc_tensors(made).empty()) rt_report_fatal(PTO2_ERROR_INVALID_ARGS, "memory came after the end");
    const uint32_t at[1] = {0};
    set_tensor_data(x, 1, at, 5.0f);
    if (get_tensor_data<float>(x, 1, at) != 0.0f) rt_report_fatal(PTO2_ERROR_INVALID_ARGS, "data came after the end");
    PTO2_SCOPE() { rt_submit_aiv_task(FUNC_NONE, job); }
    rt_scope_end();
}
}
