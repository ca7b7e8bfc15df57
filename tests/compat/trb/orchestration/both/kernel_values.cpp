// Runs the kernel that looks at everything it can see, on each kind of core.
#include "pto_orchestration_api.h"

#include "checks.h"

extern "C" {

__attribute__((visibility("default"))) void kernel_values_orchestration(const ChipStorageTaskArgs &orch_args) {
    const Tensor whole = from_tensor_arg(orch_args.tensor(0));
    uint32_t shape[2] = {4, 8};
    uint32_t at[2] = {4, 0};
    const Tensor tile = whole.view(shape, at);
    Arg args;
    args.add_input(tile);
    args.add_scalar(3, orch_args.scalar(1));
    rt_submit_aiv_task(0, args);
    args.reset();
    args.add_input(tile);
    args.add_scalar(3, orch_args.scalar(2));
    CHECK(rt_submit_aic_task(1, args).task_id().is_valid());
    report(orch_args.scalar(0));
}
}
