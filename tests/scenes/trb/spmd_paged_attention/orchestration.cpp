// Attention over a paged cache in one mixed task: its blocks share the sequences, and the lanes of a block pass
// scores, weights and results to one another through memory the task is given.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_CUBE 0
#define FUNC_VECTOR 1

static constexpr uint32_t FIFO_SLOTS = 2;
static constexpr uint32_t FLAG_LINES = 6;
static constexpr uint32_t LINE = 16;

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
    const uint32_t heads = query.shapes[1];
    const uint32_t dim = query.shapes[2];
    const uint32_t block_size = key_cache.shapes[1];
    const uint32_t blocks = static_cast<uint32_t>(orch_args.scalar(1));

    const uint32_t score_shape[4] = {blocks, FIFO_SLOTS, heads, block_size};
    const uint32_t result_shape[4] = {blocks, FIFO_SLOTS, heads, dim};
    const uint32_t flag_shape[3] = {blocks, FLAG_LINES, LINE};
    TensorCreateInfo scores(score_shape, 4);
    TensorCreateInfo weights(score_shape, 4, DataType::BFLOAT16);
    TensorCreateInfo results(result_shape, 4);
    TensorCreateInfo flags(flag_shape, 3, DataType::INT32);
    flags.set_initial_value(0);

    Arg job;
    job.add_input(query, key_cache, value_cache, table, lengths);
    job.add_output(out);
    job.add_output(scores, weights, results, flags);
    job.add_scalar(scale);
    job.launch_spec.set_block_num(static_cast<int16_t>(blocks));
    rt_submit_task({FUNC_CUBE, FUNC_VECTOR, FUNC_VECTOR}, job);
}
}
