// What the vendor's compiler knows before a source says anything, as far as scalar code uses it.
#pragma once

#include "registers.h"

#define __gm__
#define __aicore__
#define __global__

enum pipe_t { PIPE_S, PIPE_V, PIPE_M, PIPE_MTE1, PIPE_MTE2, PIPE_MTE3, PIPE_FIX, PIPE_ALL };
enum event_t { EVENT_ID0, EVENT_ID1, EVENT_ID2, EVENT_ID3, EVENT_ID4, EVENT_ID5, EVENT_ID6, EVENT_ID7 };
enum cache_line_t { SINGLE_CACHE_LINE, ENTIRE_DATA_CACHE };
enum dcci_dst_t { CACHELINE_OUT };

// A virtual core's stores are done when they are executed, in the order they are written in, and memory is coherent.
static inline void set_flag(pipe_t, pipe_t, event_t) {}
static inline void wait_flag(pipe_t, pipe_t, event_t) {}
static inline void pipe_barrier(pipe_t) {}
static inline void dsb(int) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
static inline void dcci(uint64_t *, cache_line_t, dcci_dst_t) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

#ifdef __x86_64__

static inline core_registers *virtual_registers() {
    core_registers *self;
    __asm__ volatile("movq %%gs:0, %0" : "=r"(self));
    return self;
}

static inline void dcci(uint64_t *, cache_line_t) { virtual_registers()->invalidate(); }
static inline void set_cond(uint32_t status) { virtual_registers()->set_cond(status); }
static inline void set_ffts_base_addr(uint64_t address) { virtual_registers()->ffts_base_addr = address; }
static inline int64_t get_sys_cnt() { return static_cast<int64_t>(virtual_registers()->get_sys_cnt()); }
static inline int64_t get_coreid() { return static_cast<int64_t>(virtual_registers()->coreid); }
static inline int64_t get_block_idx() { return static_cast<int64_t>(virtual_registers()->block_idx); }
static inline int64_t get_block_num() { return static_cast<int64_t>(virtual_registers()->block_num); }
static inline int64_t get_subblockid() { return static_cast<int64_t>(virtual_registers()->subblockid); }
static inline int64_t get_subblockdim() { return static_cast<int64_t>(virtual_registers()->subblockdim); }

#endif
