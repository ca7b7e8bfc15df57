// The chip's instructions, played on a host.
//
// A core is a thread. Its registers are words of the shared memory that plays the device's, its caches are
// the host's. Waiting for a token costs little: after some looks the thread sleeps between them.
#pragma once

#include <stdint.h>
#include <time.h>

#define SIMPLER_CORE static inline
#define __gm__
#define __global__
#define __aicore__

struct VirtualCore {
    uint32_t *token;
    uint32_t *status;
    uint32_t physical_id;
    uint32_t block_index;
    uint32_t block_count;
    uint32_t lane_index;
    uint64_t cross_core_base;
    uint32_t looks;
};

extern thread_local VirtualCore virtual_core;

extern "C" void virtual_core_rest(void);
extern "C" void virtual_core_call(uint64_t address, int64_t *words);

// As control CPUs of this machine's kind count: time since 1970, `hz` to the second.
static inline uint64_t host_time(uint64_t hz) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<uint64_t>(now.tv_sec) * hz + static_cast<uint64_t>(now.tv_nsec) * hz / 1000000000u;
}

namespace simpler {

constexpr bool kPayloadsAreOurs = true;

SIMPLER_CORE uint32_t read_token() {
    virtual_core_rest();
    return __atomic_load_n(virtual_core.token, __ATOMIC_ACQUIRE);
}

SIMPLER_CORE void write_status(uint32_t status) {
    virtual_core.looks = 0;
    __atomic_store_n(virtual_core.status, status, __ATOMIC_RELEASE);
}

SIMPLER_CORE uint32_t physical_core_id() { return virtual_core.physical_id; }

template <typename T>
SIMPLER_CORE void invalidate_line(T *) {
    virtual_core_rest();
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

template <typename T>
SIMPLER_CORE void clean_line(T *) {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

SIMPLER_CORE void invalidate_all() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
SIMPLER_CORE void barrier() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
SIMPLER_CORE void drain_pipes() {}

#ifdef SIMPLER_FAMILY_A5
SIMPLER_CORE uint64_t counter() { return host_time(1000000000u); }
#else
SIMPLER_CORE uint64_t counter() { return host_time(50000000u); }
#endif

SIMPLER_CORE void call_kernel(uint64_t address, int64_t *words) { virtual_core_call(address, words); }
SIMPLER_CORE uint32_t block_index() { return virtual_core.block_index; }
SIMPLER_CORE uint32_t block_count() { return virtual_core.block_count; }
SIMPLER_CORE uint32_t lane_index() { return virtual_core.lane_index; }
SIMPLER_CORE uint32_t lane_count() { return 2; }
SIMPLER_CORE void set_cross_core_base(uint64_t base) { virtual_core.cross_core_base = base; }

}  // namespace simpler
