// A core's instructions on a host: registers are memory, and a core that waits lets others run.
//
// Knows where the registers of a core of each family lie. Refuses to know who writes to them.
#pragma once

#include <atomic>
#include <cstdint>
#include <sched.h>

#define __gm__
#define SIMPLER_CORE static inline

namespace simpler {

// They are a host runtime's of another build.
constexpr bool kPayloadsAreOurs = false;

#ifdef SIMPLER_FAMILY_A5
constexpr uint64_t kTokenOffset = 0xd0;
// Three pages stand for the chip's sparse ones; this register is in the last.
constexpr uint64_t kStatusOffset = 0x3000 + (0x5108 - 0x5000);
#else
constexpr uint64_t kTokenOffset = 0xa0;
constexpr uint64_t kStatusOffset = 0x4c8;
#endif

// The core that this thread plays.
struct Self {
    uint64_t registers;
    uint32_t physical_id;
    uint32_t seen;
};

inline thread_local Self self{};

SIMPLER_CORE volatile uint32_t *register_at(uint64_t offset) {
    return reinterpret_cast<volatile uint32_t *>(self.registers + offset);
}

SIMPLER_CORE void barrier() { std::atomic_thread_fence(std::memory_order_seq_cst); }

SIMPLER_CORE uint32_t read_token() {
    const uint32_t token = *register_at(kTokenOffset);
    barrier();
    // Nothing new: whoever is to bring it may need this processor.
    if (token == self.seen) sched_yield();
    self.seen = token;
    return token;
}

SIMPLER_CORE void write_status(uint32_t status) {
    barrier();
    *register_at(kStatusOffset) = status;
}

SIMPLER_CORE uint32_t physical_core_id() { return self.physical_id; }

template <typename T>
SIMPLER_CORE void invalidate_line(T *) {
    barrier();
    sched_yield();
}

template <typename T>
SIMPLER_CORE void clean_line(T *) {
    barrier();
}

SIMPLER_CORE void invalidate_all() { barrier(); }

SIMPLER_CORE void drain_pipes() {}
SIMPLER_CORE uint64_t counter() { return 0; }

SIMPLER_CORE void call_kernel(uint64_t address, int64_t *words) {
    reinterpret_cast<void (*)(int64_t *)>(address)(words);
}

}  // namespace simpler
