// A tree of scopes, deeper than there are rings. Each scope doubles its parent's tensor, adds the result to the
// state, and opens two scopes below. What a scope made is used one scope deeper, that is from another ring.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_COMBINE 0

static void descend(const Tensor &above, const Tensor &state, uint32_t levels) {
    if (levels == 0) return;
    PTO2_SCOPE() {
        TensorCreateInfo made(above.shapes, above.ndims, above.dtype);
        Arg twice;
        twice.add_input(above, above);
        twice.add_output(made);
        twice.add_scalar(1u);
        TaskOutputTensors outs = rt_submit_aiv_task(FUNC_COMBINE, twice);
        const Tensor &doubled = outs.get_ref(0);

        Arg add;
        add.add_input(doubled);
        add.add_inout(state, state);
        add.add_scalar(1u);
        rt_submit_aiv_task(FUNC_COMBINE, add);

        descend(doubled, state, levels - 1);
        descend(doubled, state, levels - 1);
    }
}

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 3,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor seed = from_tensor_arg(orch_args.tensor(0));
    Tensor state = from_tensor_arg(orch_args.tensor(1));
    descend(seed, state, static_cast<uint32_t>(orch_args.scalar(0)));
}
}
