// Vector lane: softmax and running results of one half of the heads.
#include <limits>
#include <vector>

#include "fifo.h"

struct Running {
    float maximum;
    float sum;
    std::vector<float> total;
};

static bool take_step(const Shared &shared, const Step &step, uint32_t lane, float scale, std::vector<Running> &heads) {
    const uint32_t first_head = lane * (shared.heads / 2);
    std::vector<float> maxima(heads.size());
    std::vector<float> sums(heads.size());
    if (!shared.wait(SCORES, static_cast<int64_t>(step.k) + 1)) return false;
    for (uint32_t i = 0; i < heads.size(); i++) {
        soften(
            shared.slot<float>(shared.scores, step.k, first_head + i),
            shared.slot<uint16_t>(shared.weights, step.k, first_head + i), shared.block_size, step.valid(), scale,
            &maxima[i], &sums[i]
        );
    }
    shared.set(WEIGHTS + lane, step.k + 1);
    if (!shared.wait(RESULTS, static_cast<int64_t>(step.k) + 1)) return false;
    for (uint32_t i = 0; i < heads.size(); i++) {
        take_in(
            heads[i].total.data(), &heads[i].maximum, &heads[i].sum,
            shared.slot<float>(shared.results, step.k, first_head + i), maxima[i], sums[i], run_length(shared.results),
            step.is_first()
        );
    }
    shared.set(TAKEN + lane, step.k + 1);
    return true;
}

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    const Shared shared(args);
    const float scale = scalar<float>(args, 10);
    const uint32_t lane = static_cast<uint32_t>(get_sub_block_id(args));
    const uint32_t half = shared.heads / 2;
    const uint32_t dim = run_length(shared.out);
    std::vector<Running> heads(half, Running{NOTHING, 0.0f, std::vector<float>(dim)});
    for (Step step(shared); !step.is_end(); step.advance()) {
        const bool arrived = take_step(shared, step, lane, scale, heads);
        if (arrived && !step.is_last()) continue;
        for (uint32_t i = 0; i < half; i++) {
            float *into = run<float>(shared.out, step.sequence * shared.heads + lane * half + i);
            for (uint32_t d = 0; d < dim; d++) {
                into[d] = arrived ? heads[i].total[d] / heads[i].sum : std::numeric_limits<float>::quiet_NaN();
            }
        }
        if (!arrived) return;
    }
    pipe_sync();
}
