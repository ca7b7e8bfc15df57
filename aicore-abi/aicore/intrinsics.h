// The chip's instructions under names that say what they are for.
//
// With SIMPLER_AICORE_SHIM the shim on the include path defines all of it instead.
#pragma once

#include <stdint.h>

#ifdef SIMPLER_AICORE_SHIM
#include "aicore_shim.h"
#else

#define SIMPLER_CORE static __aicore__ inline

namespace simpler {

constexpr bool kPayloadsAreOurs = true;

SIMPLER_CORE uint32_t read_token() {
    uint64_t token = 0;
    __asm__ volatile("MOV %0, DATA_MAIN_BASE\n" : "+l"(token));
    return static_cast<uint32_t>(token);
}

SIMPLER_CORE void write_status(uint32_t status) { set_cond(status); }

SIMPLER_CORE uint32_t physical_core_id() { return static_cast<uint32_t>(get_coreid()); }

// Casts as of C: what other agents write to is volatile, and the instruction's operand is not.
template <typename T>
SIMPLER_CORE void invalidate_line(__gm__ T *address) {
    dcci((__gm__ uint64_t *)address, SINGLE_CACHE_LINE);
}

template <typename T>
SIMPLER_CORE void clean_line(__gm__ T *address) {
    dcci((__gm__ uint64_t *)address, SINGLE_CACHE_LINE, CACHELINE_OUT);
    dsb(0);
}

SIMPLER_CORE void invalidate_all() { dcci(reinterpret_cast<__gm__ uint64_t *>(0), ENTIRE_DATA_CACHE); }

SIMPLER_CORE void barrier() { dsb(0); }

SIMPLER_CORE void drain_pipes() { pipe_barrier(PIPE_ALL); }

// The system counter, which the control CPUs read too.
SIMPLER_CORE uint64_t counter() { return static_cast<uint64_t>(get_sys_cnt()); }

SIMPLER_CORE void call_kernel(uint64_t address, __gm__ int64_t *words) {
    reinterpret_cast<void (*)(__gm__ int64_t *)>(address)(words);
}

SIMPLER_CORE uint32_t block_index() { return static_cast<uint32_t>(get_block_idx()); }
SIMPLER_CORE uint32_t block_count() { return static_cast<uint32_t>(get_block_num()); }
SIMPLER_CORE uint32_t lane_index() { return static_cast<uint32_t>(get_subblockid()); }
SIMPLER_CORE uint32_t lane_count() { return static_cast<uint32_t>(get_subblockdim()); }

SIMPLER_CORE void set_cross_core_base(uint64_t base) {
#ifndef SIMPLER_FAMILY_A5
    set_ffts_base_addr(base);
#else
    (void)base;
#endif
}

}  // namespace simpler

#endif
