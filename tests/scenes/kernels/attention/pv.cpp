// out[head] = weights[head] · values, for one block of values.
#include "attention.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *weights = tensor(args, 0);
    __gm__ Tensor *values = tensor(args, 1);
    __gm__ Tensor *out = tensor(args, 2);
    for (uint32_t head = 0; head < run_count(out); head++) {
        __gm__ float *into = run<float>(out, head);
        __gm__ uint16_t *weight = run<uint16_t>(weights, head);
        for (uint32_t i = 0; i < run_length(out); i++) into[i] = 0.0f;
        for (uint32_t position = 0; position < run_count(values); position++) {
            __gm__ uint16_t *value = run<uint16_t>(values, position);
            for (uint32_t i = 0; i < run_length(out); i++) into[i] += from_bf16(weight[position]) * from_bf16(value[i]);
        }
    }
    pipe_sync();
}
