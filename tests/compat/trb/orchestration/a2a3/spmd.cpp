// Names that only this family has.
#include "pto_orchestration_api.h"

extern "C" __attribute__((visibility("default"))) void spmd_orchestration(const ChipStorageTaskArgs &orch_args) {
    Tensor out = from_tensor_arg(orch_args.tensor(0));
    constexpr int32_t SLOTS_PER_BLOCK = 4;
    Arg args;
    args.add_inout(out);
    args.launch_spec.set_block_num(24);
    args.launch_spec.set_block_num(static_cast<int16_t>(SLOTS_PER_BLOCK));
    LocalContext local{};
    local.block_idx = args.launch_spec.block_num();
    local.block_num = PTO2_COMPLETION_TYPE_SDMA_EVENT_RECORD;
    TaskSubmitResult none = rt_submit_task({0, 1, 1}, args);
    LOG_INFO_V0("%d %u", local.block_idx + local.block_num, none.size());
}
