// The last statement of a kernel: its stores have left the output pipe before the scalar pipe goes on.
//
// On a core, set_flag and wait_flag come from PTO-ISA, which must be included before. In simulation a kernel's
// stores are done when they are executed, so there is nothing to wait for.
#pragma once

#include "pto_device.h"

#ifndef PTO_KERNEL_BUILD
#error "pipe_sync.h is for kernels: compile with __DAV_VEC__ or __DAV_CUBE__ defined"
#endif

static PTO_DEVICE_FUNC inline void pipe_sync() {
#ifdef PTO_CORE_BUILD
#ifdef __DAV_VEC__
    set_flag(PIPE_MTE3, PIPE_S, EVENT_ID7);
    wait_flag(PIPE_MTE3, PIPE_S, EVENT_ID7);
#else
    set_flag(PIPE_FIX, PIPE_S, EVENT_ID7);
    wait_flag(PIPE_FIX, PIPE_S, EVENT_ID7);
#endif
#endif
}
