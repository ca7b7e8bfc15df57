// Blocks, and names that only this family has.
#include "pto_orchestration_api.h"

#include "checks.h"

extern "C" {

__attribute__((visibility("default"))) void spmd_orchestration(const ChipStorageTaskArgs &orch_args) {
    Tensor out = from_tensor_arg(orch_args.tensor(0));
    Tensor own = from_tensor_arg(orch_args.tensor(1));
    constexpr int32_t SLOTS_PER_BLOCK = 4;
    Arg args;
    args.add_inout(out);
    args.launch_spec.set_block_num(24);
    args.launch_spec.set_block_num(static_cast<int16_t>(SLOTS_PER_BLOCK));
    CHECK(args.launch_spec.block_num() == 4);
    CHECK_MEMBER(PTO2LaunchSpec::block_num, int16_t (PTO2LaunchSpec::*)() const);
    TaskSubmitResult none = rt_submit_task({0, 1, 1}, args);
    CHECK(none.empty() && none.task_id().is_valid());

    LocalContext local{};
    local.block_idx = 1;
    local.block_num = 2;
    int64_t words[50] = {};
    words[SPMD_LOCAL_CONTEXT_INDEX] = reinterpret_cast<int64_t>(&local);
    CHECK(get_block_idx(words) == 1 && get_block_num(words) == 2);
    CHECK_MEMBER(LocalContext::block_num, int32_t LocalContext::*);
    static_assert(PTO2_COMPLETION_TYPE_SDMA_EVENT_RECORD == 1);

    // Dependencies survive `clear` here.
    args.add_dep(none.task_id());
    args.clear();
    CHECK(args.explicit_dep_count() == 1 && args.launch_spec.block_num() == 4);
    args.add_inout(own);
    rt_submit_aiv_task(2, args);
    report(orch_args.scalar(0));
}
}
