// What the vendor's compiler knows before a kernel says anything, as far as scalar kernels use it.
//
// Only names: on a virtual core a kernel's stores are done when they are executed, and memory is coherent.
#pragma once

#define __gm__
#define __aicore__
#define __global__

enum pipe_t { PIPE_S, PIPE_V, PIPE_M, PIPE_MTE1, PIPE_MTE2, PIPE_MTE3, PIPE_FIX, PIPE_ALL };
enum event_t { EVENT_ID0, EVENT_ID1, EVENT_ID2, EVENT_ID3, EVENT_ID4, EVENT_ID5, EVENT_ID6, EVENT_ID7 };

static inline void set_flag(pipe_t, pipe_t, event_t) {}
static inline void wait_flag(pipe_t, pipe_t, event_t) {}
