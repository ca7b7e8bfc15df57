// Layers of eight tasks, each on four neighbours of the layer before.
//
// Within a scope the layers hand on fresh outputs; the last layer of a scope writes the state, where the next scope
// begins. Nobody tracks that a scope's first layer has read the state before its last one writes it: with four
// layers or more every task of the last one follows from every task of the first.
#include <stdint.h>
#include <vector>

#include "pto_orchestration_api.h"

#define FUNC_NODE 0

static constexpr uint32_t WIDTH = 8;
static constexpr uint32_t FAN_IN = 4;
static constexpr uint32_t LAYERS_PER_SCOPE = 64;
static constexpr uint32_t SHORTEST_SCOPE = 4;

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 3,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor state = from_tensor_arg(orch_args.tensor(0));
    const uint32_t layers = static_cast<uint32_t>(orch_args.scalar(0));
    const uint32_t work = static_cast<uint32_t>(orch_args.scalar(1));
    if (layers < SHORTEST_SCOPE) {
        rt_report_fatal(PTO2_ERROR_INVALID_ARGS, "%u layers, at least %u are needed", layers, SHORTEST_SCOPE);
        return;
    }

    const uint32_t cell[2] = {1, state.shapes[1]};
    std::vector<Tensor> kept;
    for (uint32_t place = 0; place < WIDTH; place++) {
        const uint32_t at[2] = {place, 0};
        kept.push_back(state.view(cell, at));
    }
    TensorCreateInfo made(cell, 2, state.dtype);

    Arg job;
    TaskOutputTensors outputs[2][WIDTH];
    for (uint32_t first = 0; first < layers;) {
        // The last scope takes a rest that would be too short.
        uint32_t end = first + LAYERS_PER_SCOPE;
        if (end + SHORTEST_SCOPE > layers) end = layers;
        PTO2_SCOPE() {
            for (uint32_t layer = first; layer < end; layer++) {
                TaskOutputTensors *before = outputs[(layer + 1) % 2];
                TaskOutputTensors *now = outputs[layer % 2];
                for (uint32_t place = 0; place < WIDTH; place++) {
                    job.reset();
                    for (uint32_t step = 0; step < FAN_IN; step++) {
                        const uint32_t from = (place + step) % WIDTH;
                        job.add_input(layer == first ? kept[from] : before[from].get_ref(0));
                    }
                    if (layer + 1 == end) {
                        job.add_inout(kept[place]);
                    } else {
                        job.add_output(made);
                    }
                    job.add_scalar(layer, work);
                    now[place] = rt_submit_aiv_task(FUNC_NODE, job);
                }
            }
        }
        first = end;
    }
}
}
