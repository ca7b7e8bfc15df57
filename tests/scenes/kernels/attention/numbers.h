// The numbers of attention: bfloat16, one query against rows of keys or values, and the softmax of a block.
//
// Attention over a long context is computed block by block: scores of a block, their softmax relative to the block's
// own maximum, the weighted values; and an update that rescales what the blocks before have added up.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

static constexpr float NOTHING = -1e30f;  // a score that no query gives

static inline float from_bf16(uint16_t bits) {
    const uint32_t wide = static_cast<uint32_t>(bits) << 16;
    float value;
    std::memcpy(&value, &wide, sizeof(value));
    return value;
}

// Rounds to nearest, ties to even.
static inline uint16_t to_bf16(float value) {
    uint32_t wide;
    std::memcpy(&wide, &value, sizeof(wide));
    return static_cast<uint16_t>((wide + 0x7fff + ((wide >> 16) & 1)) >> 16);
}

static inline float dot_bf16(const uint16_t *x, const uint16_t *y, uint32_t count) {
    float sum = 0.0f;
    for (uint32_t i = 0; i < count; i++) sum += from_bf16(x[i]) * from_bf16(y[i]);
    return sum;
}

// Scores become weights relative to their maximum; masked ones weigh nothing. Weights are rounded as they will be
// used, so that they and their sum agree.
static inline void soften(
    const float *scores, uint16_t *weights, uint32_t count, uint32_t valid, float scale, float *maximum, float *sum
) {
    *maximum = NOTHING;
    *sum = 0.0f;
    for (uint32_t i = 0; i < valid; i++) *maximum = std::fmax(*maximum, scores[i] * scale);
    for (uint32_t i = 0; i < count; i++) {
        weights[i] = i < valid ? to_bf16(std::exp(scores[i] * scale - *maximum)) : 0;
        *sum += from_bf16(weights[i]);
    }
}

// One row of the running result takes in the row of a block. `maximum` and `sum` are those of all blocks so far.
static inline void take_in(
    float *total, float *maximum, float *sum, const float *block, float block_maximum, float block_sum, uint32_t count,
    bool is_first
) {
    const float before = is_first ? NOTHING : *maximum;
    const float after = std::fmax(before, block_maximum);
    const float old_share = is_first ? 0.0f : std::exp(before - after);
    const float new_share = std::exp(block_maximum - after);
    for (uint32_t i = 0; i < count; i++) {
        total[i] = (is_first ? 0.0f : total[i] * old_share) + block[i] * new_share;
    }
    *sum = (is_first ? 0.0f : *sum * old_share) + block_sum * new_share;
    *maximum = after;
}
