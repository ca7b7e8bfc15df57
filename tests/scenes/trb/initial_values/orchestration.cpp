// Memory with a value in it, for every element type and for a size that fills no line.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_ENDS 0
#define FUNC_NOOP 1

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 2,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor result = from_tensor_arg(orch_args.tensor(0));
    const uint64_t *patterns = orch_args.tensor(1).data_as<uint64_t>();
    const uint32_t row[2] = {1, result.shapes[2]};
    const uint32_t count[1] = {1000};
    for (uint32_t type = 0; type < static_cast<uint32_t>(DataType::DATA_TYPE_NUM); type++) {
        const DataType dtype = static_cast<DataType>(type);
        TensorCreateInfo made(count, 1, dtype);
        made.set_initial_value(patterns[type]);
        for (uint32_t way = 0; way < 2; way++) {
            PTO2_SCOPE() {
                // Without a kernel, and as the output of one that writes nothing.
                Arg creation;
                creation.add_output(made);
                TaskOutputTensors outs = way == 0 ? alloc_tensors(creation) : rt_submit_aiv_task(FUNC_NOOP, creation);
                const uint32_t shape[3] = {1, 1, row[1]};
                const uint32_t at[3] = {type, way, 0};
                Tensor into = result.view(shape, at);
                Arg look;
                look.add_input(outs.get_ref(0));
                look.add_output(into);
                look.add_scalar(static_cast<uint32_t>(get_element_size(dtype)));
                rt_submit_aiv_task(FUNC_ENDS, look);
            }
        }
    }
}
}
