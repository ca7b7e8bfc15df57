// Memory without a kernel, asked for in each of the three ways, then written and read by kernels.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_AFFINE 0
#define FUNC_COPY 1

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 1,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor result = from_tensor_arg(orch_args.tensor(0));
    const uint32_t row[2] = {1, result.shapes[1]};
    uint32_t next = 0;
    auto use = [&](const Tensor &made) {
        Arg change;
        change.add_inout(made);
        change.add_scalar(10u, 1u);
        rt_submit_aiv_task(FUNC_AFFINE, change);
        const uint32_t at[2] = {next++, 0};
        Tensor into = result.view(row, at);
        Arg copy;
        copy.add_input(made);
        copy.add_output(into);
        rt_submit_aiv_task(FUNC_COPY, copy);
    };
    TensorCreateInfo infos[2] = {{row, 2, DataType::UINT32}, {row, 2, DataType::UINT32}};
    infos[0].set_initial_value(3u);
    infos[1].set_initial_value(4u);

    TaskOutputTensors pack = alloc_tensors(infos[0], infos[1], infos[0]);
    for (uint32_t i = 0; i < pack.size(); i++) use(pack.get_ref(i));

    const TensorCreateInfo *list = infos;
    TaskOutputTensors array = alloc_tensors(list, 2u);
    for (uint32_t i = 0; i < array.size(); i++) use(array.get_ref(i));

    Arg prepared;
    for (int i = 0; i < MAX_TENSOR_ARGS; i++) prepared.add_output(infos[i % 2]);
    TaskOutputTensors most = alloc_tensors(prepared);
    for (uint32_t i = 0; i < most.size(); i++) use(most.get_ref(i));

    // Nothing but memory, more often than the window is wide.
    for (int round = 0; round < 200; round++) {
        PTO2_SCOPE() {
            TaskOutputTensors passing = alloc_tensors(infos[round % 2]);
            if (round % 8 == 0) use(passing.get_ref(0));
        }
    }
}
}
