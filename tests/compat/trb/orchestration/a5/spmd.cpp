// Blocks, and names that only this family has.
#include "pto_orchestration_api.h"

#include "checks.h"

extern "C" {

__attribute__((visibility("default"))) void spmd_orchestration(const ChipStorageTaskArgs &orch_args) {
    Tensor out = from_tensor_arg(orch_args.tensor(0));
    Tensor own = from_tensor_arg(orch_args.tensor(1));
    Arg args;
    args.add_inout(out);
    args.launch_spec.set_core_num(4);
    CHECK(args.launch_spec.core_num() == 4);
    TaskOutputTensors none = rt_submit_task({0, 1, 1}, args);
    CHECK(none.empty() && none.task_id().is_valid());

    LocalContext local{};
    local.s_block_idx = 1;
    local.s_block_num = 2;
    int64_t words[50] = {};
    words[SPMD_LOCAL_CONTEXT_INDEX] = reinterpret_cast<int64_t>(&local);
    CHECK(get_block_idx(words) == 1 && get_block_num(words) == 2);

    // `clear` forgets dependencies here.
    args.add_dep(none.task_id());
    args.clear();
    CHECK(args.explicit_dep_count() == 0 && args.launch_spec.core_num() == 4);
    PTO2_SCOPE_GUARD(PTO2ScopeMode::MANUAL);
    args.add_inout(own);
    rt_submit_aiv_task(2, args);
    report(orch_args.scalar(0));
}
}
