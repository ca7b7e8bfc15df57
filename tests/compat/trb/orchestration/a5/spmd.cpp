// Names that only this family has.
#include "pto_orchestration_api.h"

extern "C" __attribute__((visibility("default"))) void spmd_orchestration(const ChipStorageTaskArgs &orch_args) {
    Tensor out = from_tensor_arg(orch_args.tensor(0));
    Arg args;
    args.add_inout(out);
    args.launch_spec.set_core_num(36);
    LocalContext local{};
    local.s_block_idx = args.launch_spec.core_num();
    local.s_block_num = 1;
    PTO2_SCOPE_GUARD(PTO2ScopeMode::MANUAL);
    rt_submit_task({0, 1, 1}, args);
    args.clear();
    LOG_INFO_V0("%d", local.s_block_idx + local.s_block_num);
}
