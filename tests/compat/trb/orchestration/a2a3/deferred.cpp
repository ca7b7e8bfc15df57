// Conditions that only this family has. The second scalar is what the kernel is to do.
#include "pto_orchestration_api.h"

#include "checks.h"

extern "C" {

__attribute__((visibility("default"))) void deferred_a2a3_orchestration(const ChipStorageTaskArgs &orch_args) {
    const Tensor records = from_tensor_arg(orch_args.tensor(0));
    const Tensor done = from_tensor_arg(orch_args.tensor(1));
    Arg args;
    args.add_no_dep(records);
    args.add_inout(done);
    args.add_scalar(orch_args.scalar(1), orch_args.scalar(2));
    rt_submit_aiv_task(0, args);
    uint32_t at[1] = {0};
    const uint64_t answer = get_tensor_data(done, 1, at);
    CHECK(rt_is_fatal() || orch_args.scalar(1) != 0 || answer == 1);
    report(orch_args.scalar(0));
}
}
