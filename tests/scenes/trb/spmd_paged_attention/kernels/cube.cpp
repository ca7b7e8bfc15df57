// Cube lane: scores one step ahead, results behind, as the FIFOs have room.
#include "fifo.h"

static bool make_scores(const Shared &shared, const Step &step) {
    // The slot was last used two steps before.
    if (!shared.wait_both(WEIGHTS, static_cast<int64_t>(step.k) - 1)) return false;
    for (uint32_t head = 0; head < shared.heads; head++) {
        const uint16_t *one = run<uint16_t>(shared.query, step.sequence * shared.heads + head);
        float *into = shared.slot<float>(shared.scores, step.k, head);
        for (uint32_t i = 0; i < step.valid(); i++) {
            into[i] = dot_bf16(one, run<uint16_t>(shared.keys, step.first_position() + i), run_length(shared.query));
        }
    }
    shared.set(SCORES, step.k + 1);
    return true;
}

static bool make_results(const Shared &shared, const Step &step) {
    if (!shared.wait_both(WEIGHTS, static_cast<int64_t>(step.k) + 1)) return false;
    if (!shared.wait_both(TAKEN, static_cast<int64_t>(step.k) - 1)) return false;
    const uint32_t dim = run_length(shared.results);
    for (uint32_t head = 0; head < shared.heads; head++) {
        const uint16_t *weight = shared.slot<uint16_t>(shared.weights, step.k, head);
        float *into = shared.slot<float>(shared.results, step.k, head);
        for (uint32_t i = 0; i < dim; i++) into[i] = 0.0f;
        for (uint32_t position = 0; position < step.valid(); position++) {
            const uint16_t *value = run<uint16_t>(shared.values, step.first_position() + position);
            for (uint32_t i = 0; i < dim; i++) into[i] += from_bf16(weight[position]) * from_bf16(value[i]);
        }
    }
    shared.set(RESULTS, step.k + 1);
    return true;
}

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    const Shared shared(args);
    Step ahead(shared);
    for (Step behind(shared); !behind.is_end(); behind.advance()) {
        while (!ahead.is_end() && ahead.k <= behind.k + 1) {
            if (!make_scores(shared, ahead)) return;
            ahead.advance();
        }
        if (!make_results(shared, behind)) return;
    }
    pipe_sync();
}
