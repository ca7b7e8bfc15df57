// Attention over a paged cache in large tasks: each takes up to `unroll` blocks, which its kernel finds by the table.
//
// Argument objects are used again from group to group. Every update of a sequence names the same view of the result,
// which needs no tracking: the accumulators order the updates already.
#include <algorithm>
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_QK 0
#define FUNC_SOFTMAX 1
#define FUNC_PV 2
#define FUNC_UPDATE 3

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 8,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor query = from_tensor_arg(orch_args.tensor(0));
    Tensor key_cache = from_tensor_arg(orch_args.tensor(1));
    Tensor value_cache = from_tensor_arg(orch_args.tensor(2));
    Tensor table = from_tensor_arg(orch_args.tensor(3));
    Tensor lengths = from_tensor_arg(orch_args.tensor(4));
    Tensor out = from_tensor_arg(orch_args.tensor(5));
    const float scale = from_u64<float>(orch_args.scalar(0));
    const uint32_t batch = query.shapes[0];
    const uint32_t heads = query.shapes[1];
    const uint32_t dim = query.shapes[2];
    const uint32_t block_size = key_cache.shapes[1];
    const uint32_t unroll = static_cast<uint32_t>(orch_args.scalar(1));

    const uint32_t own_shape[3] = {1, heads, dim};
    const uint32_t per_head[2] = {1, heads};
    TensorCreateInfo total_info(own_shape, 3);
    TensorCreateInfo head_info(per_head, 2);

    Arg qk, softmax, pv, update;
    for (uint32_t sequence = 0; sequence < batch; sequence++) {
        PTO2_SCOPE() {
            const uint32_t length_at[1] = {sequence};
            const uint32_t length = static_cast<uint32_t>(get_tensor_data<int32_t>(lengths, 1, length_at));
            const uint32_t blocks = (length + block_size - 1) / block_size;
            const uint32_t own_at[3] = {sequence, 0, 0};
            Tensor own_out = out.view(own_shape, own_at, true);
            TaskOutputTensors running = alloc_tensors(head_info, head_info, total_info);

            for (uint32_t first = 0; first < blocks; first += unroll) {
                const uint32_t count = std::min(unroll, blocks - first);
                const uint32_t score_shape[3] = {1, heads, count * block_size};
                TensorCreateInfo score_info(score_shape, 3);
                TensorCreateInfo weight_info(score_shape, 3, DataType::BFLOAT16);

                qk.reset();
                qk.add_input(query, key_cache, table);
                qk.add_output(score_info);
                qk.add_scalar(sequence, first);
                TaskOutputTensors scores = rt_submit_aic_task(FUNC_QK, qk);

                softmax.reset();
                softmax.add_input(scores.get_ref(0), lengths);
                softmax.add_output(weight_info, head_info, head_info);
                softmax.add_scalar(sequence, first * block_size, scale);
                TaskOutputTensors weights = rt_submit_aiv_task(FUNC_SOFTMAX, softmax);

                pv.reset();
                pv.add_input(weights.get_ref(0), value_cache, table);
                pv.add_output(total_info);
                pv.add_scalar(sequence, first);
                TaskOutputTensors partial = rt_submit_aic_task(FUNC_PV, pv);

                update.reset();
                update.add_input(weights.get_ref(1), weights.get_ref(2), partial.get_ref(0));
                update.add_inout(running.get_ref(0), running.get_ref(1), running.get_ref(2), own_out);
                update.add_scalar(first == 0, first + count == blocks);
                rt_submit_aiv_task(FUNC_UPDATE, update);
            }
        }
    }
}
}
