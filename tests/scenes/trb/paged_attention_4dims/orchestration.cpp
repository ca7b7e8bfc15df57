// The paged attention graph on tensors and views of four dimensions.
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
    const uint32_t all_queries[4] = {batch, 1, heads, dim};
    Tensor queries = query.reshape(all_queries, 4);
    Tensor outs = out.reshape(all_queries, 4);

    const uint32_t own_shape[4] = {1, 1, heads, dim};
    const uint32_t per_head[4] = {1, 1, 1, heads};
    const uint32_t score_shape[4] = {1, 1, heads, block_size};
    TensorCreateInfo total_info(own_shape, 4);
    TensorCreateInfo head_info(per_head, 4);
    TensorCreateInfo score_info(score_shape, 4);
    TensorCreateInfo weight_info(score_shape, 4, DataType::BFLOAT16);

    for (uint32_t sequence = 0; sequence < batch; sequence++) {
        PTO2_SCOPE() {
            const uint32_t length_at[1] = {sequence};
            const uint32_t length = static_cast<uint32_t>(get_tensor_data<int32_t>(lengths, 1, length_at));
            const uint32_t blocks = (length + block_size - 1) / block_size;
            const uint32_t own_at[4] = {sequence, 0, 0, 0};
            Tensor own_query = queries.view(own_shape, own_at);
            Tensor own_out = outs.view(own_shape, own_at);
            TaskOutputTensors running = alloc_tensors(head_info, head_info, total_info);

            for (uint32_t block = 0; block < blocks; block++) {
                PTO2_SCOPE() {
                    const uint32_t table_at[2] = {sequence, block};
                    const uint32_t page = static_cast<uint32_t>(get_tensor_data<int32_t>(table, 2, table_at));
                    const uint32_t valid = std::min(block_size, length - block * block_size);
                    const uint32_t page_shape[4] = {1, valid, 1, dim};
                    const uint32_t page_at[4] = {page, 0, 0, 0};
                    Tensor page_keys = key_cache.view(page_shape, page_at);
                    Tensor page_values = value_cache.view(page_shape, page_at);

                    Arg qk;
                    qk.add_input(own_query, page_keys);
                    qk.add_output(score_info);
                    TaskOutputTensors scores = rt_submit_aic_task(FUNC_QK, qk);

                    const uint32_t valid_shape[4] = {1, 1, heads, valid};
                    const uint32_t origin[4] = {0, 0, 0, 0};
                    Tensor valid_scores = scores.get_ref(0).view(valid_shape, origin);
                    Arg softmax;
                    softmax.add_input(valid_scores);
                    softmax.add_output(weight_info, head_info, head_info);
                    softmax.add_scalar(scale);
                    TaskOutputTensors weights = rt_submit_aiv_task(FUNC_SOFTMAX, softmax);

                    Arg pv;
                    pv.add_input(weights.get_ref(0), page_values);
                    pv.add_output(total_info);
                    TaskOutputTensors partial = rt_submit_aic_task(FUNC_PV, pv);

                    Arg update;
                    update.add_input(weights.get_ref(1), weights.get_ref(2), partial.get_ref(0));
                    update.add_inout(running.get_ref(0), running.get_ref(1), running.get_ref(2), own_out);
                    update.add_scalar(block == 0, block + 1 == blocks);
                    rt_submit_aiv_task(FUNC_UPDATE, update);
                }
            }
        }
    }
}
}
