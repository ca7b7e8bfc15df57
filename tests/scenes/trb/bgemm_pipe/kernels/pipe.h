// A pipe from the cube core of a cluster to its two vector cores, in the block the simulator keeps for the cluster.
//
// The block outlives a task: counters only grow, and all cores of a cluster run the cluster's mixed tasks in one
// order, so a task goes on where the one before ended. Two row blocks fit in; the cube core waits for room, the
// vector cores wait for data.
#pragma once

#include <dlfcn.h>

#include "../../../kernels/kernel.h"

static constexpr uint32_t PIPE_DEPTH = 2;
static constexpr uint32_t MAX_COLUMNS = 64;
static constexpr uint32_t ROWS_PER_BLOCK = 4;
static constexpr uint64_t PIPE_KEY = (7ull << 56) | (static_cast<uint64_t>(PIPE_DEPTH) << 40) | 0x1000;

struct Pipe {
    alignas(64) int32_t pushed;
    alignas(64) int32_t popped[2];
    alignas(64) float slots[PIPE_DEPTH][ROWS_PER_BLOCK * MAX_COLUMNS];
};

using SharedState = void *(*)(uint64_t key, size_t size);

#ifdef LOOK_UP_BY_NAME
static inline SharedState shared_state() {
    return reinterpret_cast<SharedState>(dlsym(RTLD_DEFAULT, "pto_sim_get_pipe_shared_state"));
}
#else
static SharedState g_shared_state = nullptr;

extern "C" void pto_sim_register_hooks(void *get_subblock_id, void *get_pipe_shared_state) {
    (void)get_subblock_id;
    g_shared_state = reinterpret_cast<SharedState>(get_pipe_shared_state);
}

static inline SharedState shared_state() { return g_shared_state; }
#endif

// The pipe of this core's cluster; null outside a simulator that keeps one.
static inline Pipe *this_pipe() {
    const SharedState state = shared_state();
    return state == nullptr ? nullptr : static_cast<Pipe *>(state(PIPE_KEY, sizeof(Pipe)));
}
