// The paged attention graph in one manual scope per sequence: every edge is named.
//
// Nothing keeps the accumulators alive but the scope and the tasks that name their allocation, so the first update
// and the last one do.
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
        .expected_arg_count = 7,
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
    const uint32_t positions[2] = {key_cache.shapes[0] * block_size, dim};
    Tensor keys = key_cache.reshape(positions, 2);
    Tensor values = value_cache.reshape(positions, 2);

    for (uint32_t sequence = 0; sequence < batch; sequence++) {
        PTO2_SCOPE(PTO2ScopeMode::MANUAL) {
            const uint32_t length_at[1] = {sequence};
            const uint32_t length = static_cast<uint32_t>(get_tensor_data<int32_t>(lengths, 1, length_at));
            const uint32_t blocks = (length + block_size - 1) / block_size;
            const uint32_t own_shape[3] = {1, heads, dim};
            const uint32_t own_at[3] = {sequence, 0, 0};
            Tensor own_query = query.view(own_shape, own_at);
            Tensor own_out = out.view(own_shape, own_at);

            const uint32_t total_shape[2] = {heads, dim};
            const uint32_t per_head[1] = {heads};
            TensorCreateInfo total_info(total_shape, 2);
            TensorCreateInfo head_info(per_head, 1);
            TaskOutputTensors running = alloc_tensors(head_info, head_info, total_info);

            PTO2TaskId last_update = PTO2TaskId::invalid();
            for (uint32_t block = 0; block < blocks; block++) {
                const uint32_t table_at[2] = {sequence, block};
                const uint32_t page = static_cast<uint32_t>(get_tensor_data<int32_t>(table, 2, table_at));
                const uint32_t valid = std::min(block_size, length - block * block_size);
                const uint32_t page_shape[2] = {valid, dim};
                const uint32_t page_at[2] = {page * block_size, 0};
                Tensor page_keys = keys.view(page_shape, page_at);
                Tensor page_values = values.view(page_shape, page_at);
                const uint32_t score_shape[2] = {heads, block_size};
                TensorCreateInfo score_info(score_shape, 2);
                TensorCreateInfo weight_info(score_shape, 2, DataType::BFLOAT16);

                Arg qk;
                qk.add_input(own_query, page_keys);
                qk.add_output(score_info);
                TaskOutputTensors scores = rt_submit_aic_task(FUNC_QK, qk);

                const uint32_t valid_shape[2] = {heads, valid};
                const uint32_t origin[2] = {0, 0};
                Tensor valid_scores = scores.get_ref(0).view(valid_shape, origin);
                Arg softmax;
                softmax.add_input(valid_scores);
                softmax.add_output(weight_info, head_info, head_info);
                softmax.add_scalar(scale);
                softmax.add_dep(scores.task_id());
                TaskOutputTensors weights = rt_submit_aiv_task(FUNC_SOFTMAX, softmax);

                Arg pv;
                pv.add_input(weights.get_ref(0), page_values);
                pv.add_output(total_info);
                pv.add_dep(weights.task_id());
                TaskOutputTensors partial = rt_submit_aic_task(FUNC_PV, pv);

                Arg update;
                update.add_input(weights.get_ref(1), weights.get_ref(2), partial.get_ref(0));
                update.add_inout(running.get_ref(0), running.get_ref(1), running.get_ref(2), own_out);
                update.add_scalar(block == 0, block + 1 == blocks);
                update.add_dep(weights.task_id(), partial.task_id());
                if (last_update.is_valid()) update.add_dep(last_update);
                if (block == 0 || block + 1 == blocks) update.add_dep(running.task_id());
                last_update = rt_submit_aiv_task(FUNC_UPDATE, update).task_id();
            }
        }
    }
}
}
