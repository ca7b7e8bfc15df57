// Stand-in for PTO-ISA's first header: just enough for scalar kernels in simulation. See ../README.md.
#pragma once

#ifndef __CPU_SIM
#error "the PTO-ISA stand-in is for simulation only; machine code for a core needs PTO-ISA itself"
#endif

#include <cstddef>
#include <cstdint>
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

// Users who write `#define __aicore__ [aicore]` before this header count on its being taken back here.
#undef __gm__
#undef __aicore__
#define __gm__
#define __aicore__
#define __global__
#define __in__
#define __out__
#define __ubuf__
#define __cbuf__
#define __ca__
#define __cb__
#define __cc__
#define __fbuf__
#define __tf__
#define AICORE

#define PTO_CPUSTUB_HPP  // user kernels ask for this name before they define cache operations of their own

enum pipe_t { PIPE_S, PIPE_V, PIPE_M, PIPE_MTE1, PIPE_MTE2, PIPE_MTE3, PIPE_FIX, PIPE_ALL };
enum event_t { EVENT_ID0, EVENT_ID1, EVENT_ID2, EVENT_ID3, EVENT_ID4, EVENT_ID5, EVENT_ID6, EVENT_ID7 };

// Stores in simulation are done when they are executed, and memory is coherent.
inline void set_flag(pipe_t, pipe_t, event_t) {}
inline void wait_flag(pipe_t, pipe_t, event_t) {}
inline void pipe_barrier(pipe_t) {}
inline void dsb(int) {}

// The vector lane of the calling thread, as the simulator says; 0 outside it.
inline uint32_t get_subblockid() {
    using Lane = uint32_t (*)();
    const Lane lane = reinterpret_cast<Lane>(dlsym(RTLD_DEFAULT, "pto_sim_get_subblock_id"));
    return lane != nullptr ? lane() : 0;
}

// The functions without arguments that stand beside the ones of intrinsic.h.
inline uint32_t get_block_idx() { return 0; }
inline uint32_t get_block_num() { return 1; }

namespace pto {}
