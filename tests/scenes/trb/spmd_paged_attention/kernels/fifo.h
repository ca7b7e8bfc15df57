// What the lanes of a block share: which sequences are theirs, and the two-slot FIFOs between them.
//
// Step k is one block of keys and values of one sequence; its data lies in slot k % 2 of each FIFO. Flags only grow.
//
// | flag | set by | to k + 1 when |
// | --- | --- | --- |
// | SCORES | cube | scores of step k are there |
// | WEIGHTS + lane | vector | weights of step k are there, its scores no longer needed |
// | RESULTS | cube | the result of step k is there, its weights no longer needed |
// | TAKEN + lane | vector | the result of step k is no longer needed |
#pragma once

#include "../../../kernels/attention/attention.h"

static constexpr uint32_t SLOTS = 2;
static constexpr uint32_t LINE = 16;

enum Flag : uint32_t { SCORES = 0, WEIGHTS = 1, RESULTS = 3, TAKEN = 4, FLAGS = 6 };

struct Shared {
    const __gm__ Tensor *query;    // [sequences, heads, dim]
    const __gm__ Tensor *keys;     // [blocks, block size, 1, dim]
    const __gm__ Tensor *values;   // [blocks, block size, 1, dim]
    const __gm__ Tensor *table;    // [sequences, blocks of one]
    const __gm__ int32_t *lengths;
    const __gm__ Tensor *out;      // [sequences, heads, dim]
    const __gm__ Tensor *scores;   // [spmd blocks, slots, heads, block size]
    const __gm__ Tensor *weights;  // [spmd blocks, slots, heads, block size]
    const __gm__ Tensor *results;  // [spmd blocks, slots, heads, dim]
    __gm__ int32_t *flags;         // of this block
    uint32_t block;
    uint32_t stride;
    uint32_t heads;
    uint32_t block_size;

    explicit Shared(__gm__ int64_t *args)
        : query(tensor(args, 0)),
          keys(tensor(args, 1)),
          values(tensor(args, 2)),
          table(tensor(args, 3)),
          lengths(cells<int32_t>(tensor(args, 4))),
          out(tensor(args, 5)),
          scores(tensor(args, 6)),
          weights(tensor(args, 7)),
          results(tensor(args, 8)),
          block(static_cast<uint32_t>(get_block_idx(args))),
          stride(static_cast<uint32_t>(get_block_num(args))),
          heads(query->shapes[1]),
          block_size(keys->shapes[1]) {
        flags = cells<int32_t>(tensor(args, 9)) + block * FLAGS * LINE;
    }

    // The row of `head` in the slot of step `k`.
    template <typename T>
    __gm__ T *slot(const __gm__ Tensor *fifo, uint32_t k, uint32_t head) const {
        return run<T>(fifo, (block * SLOTS + k % SLOTS) * heads + head);
    }

    void set(uint32_t flag, uint32_t value) const { publish(flags + flag * LINE, static_cast<int32_t>(value)); }

    // False if the others do not come.
    bool wait(uint32_t flag, int64_t value) const {
        return value <= 0 || wait_at_least(flags + flag * LINE, static_cast<int32_t>(value));
    }

    bool wait_both(uint32_t flag, int64_t value) const { return wait(flag, value) && wait(flag + 1, value); }
};

// Walks the steps of a block: all pages of its first sequence, then of the next one.
struct Step {
    const Shared &shared;
    uint32_t k = 0;
    uint32_t sequence;
    uint32_t page = 0;

    explicit Step(const Shared &all) : shared(all), sequence(all.block) {}

    bool is_end() const { return sequence >= shared.query->shapes[0]; }
    uint32_t length() const { return static_cast<uint32_t>(shared.lengths[sequence]); }
    uint32_t valid() const {
        const uint32_t left = length() - page * shared.block_size;
        return left < shared.block_size ? left : shared.block_size;
    }
    bool is_first() const { return page == 0; }
    bool is_last() const { return (page + 1) * shared.block_size >= length(); }
    uint32_t first_position() const {
        return static_cast<uint32_t>(run<int32_t>(shared.table, sequence)[page]) * shared.block_size;
    }

    void advance() {
        k++;
        if (is_last()) {
            sequence += shared.stride;
            page = 0;
        } else {
            page++;
        }
    }
};
