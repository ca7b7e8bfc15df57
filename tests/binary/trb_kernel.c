// Kernels of `trb_orchestration.c`: WHICH is 0 for the one that waits, 1 for the one that counts, 2 for the one that
// copies. They know the 50 words of abi.md 4.3.
#include "trb.h"

static inline float *cells(const struct tensor *t) { return (float *)t->addr + t->start_offset; }

void kernel_entry(int64_t *args) {
    struct local_context *local = (struct local_context *)args[48];
    const int32_t lane = *(const int32_t *)args[49];
    CHECK(lane == 0 || lane == 1);
    CHECK(*local->completion_error_code == 0 && *local->completion_count == 0 && local->completion_capacity == 64);
#if WHICH == 0
    const struct tensor *in = (const struct tensor *)args[0], *made = (const struct tensor *)args[1];
    const struct tensor *part = (const struct tensor *)args[2], *counter = (const struct tensor *)args[3];
    CHECK((uint64_t)in % 16 == 0 && in->start_offset == 0 && made->start_offset == 0 && part->start_offset == 32);
    CHECK(made->owner == local->task_token && in->owner == ~(uint64_t)0);
    CHECK(local->block_idx == 0 && local->block_num == 1);
    float factor;
    memcpy(&factor, &args[4], sizeof factor);
    for (uint32_t i = 0; i < made->shapes[0]; i++) {
        cells(made)[i] += factor * cells(in)[i];
        cells(part)[i] = cells(in)[i];
    }
    local->completion_entries[0].addr = counter->addr;
    local->completion_entries[0].expected_value = (uint32_t)args[6];
    local->completion_entries[0].engine = 0;
    local->completion_entries[0].completion_type = 0;
    local->completion_entries[0].pad = 0;
    *local->completion_count = 1;
    report((uint64_t)args[5]);
#elif WHICH == 1
    const struct tensor *counter = (const struct tensor *)args[0];
    CHECK(local->block_num == 2 && local->block_idx >= 0 && local->block_idx < 2);
    __atomic_fetch_add((uint32_t *)counter->addr, 1, __ATOMIC_RELEASE);
    if (first_wrong) report((uint64_t)args[1]);
#else
    const struct tensor *from = (const struct tensor *)args[0], *into = (const struct tensor *)args[1];
    CHECK(into->start_offset == 0 && from->shapes[0] == into->shapes[0]);
    for (uint32_t i = 0; i < into->shapes[0]; i++) cells(into)[i] = first_wrong ? -1.0f : cells(from)[i];
#endif
}
