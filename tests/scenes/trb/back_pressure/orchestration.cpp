// More pairs of producer and consumer than the rings hold: submission waits until the tasks before have retired.
#include <algorithm>
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_PRODUCE 0
#define FUNC_CONSUME 1

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 4,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor done = from_tensor_arg(orch_args.tensor(0));
    const uint32_t pairs = done.shapes[0];
    const uint32_t work = static_cast<uint32_t>(orch_args.scalar(0));
    const uint32_t per_scope = static_cast<uint32_t>(orch_args.scalar(1));
    const uint32_t size[1] = {static_cast<uint32_t>(orch_args.scalar(2))};
    TensorCreateInfo made(size, 1, DataType::INT32);

    for (uint32_t first = 0; first < pairs; first += per_scope) {
        const uint32_t end = std::min(pairs, first + per_scope);
        PTO2_SCOPE() {
            for (uint32_t index = first; index < end; index++) {
                Arg producer;
                producer.add_output(made);
                producer.add_scalar(index, work);
                TaskOutputTensors outs = rt_submit_aiv_task(FUNC_PRODUCE, producer);

                Arg consumer;
                consumer.add_input(outs.get_ref(0));
                consumer.add_no_dep(done);
                consumer.add_scalar(index, work);
                rt_submit_aiv_task(FUNC_CONSUME, consumer);
            }
        }
    }
}
}
