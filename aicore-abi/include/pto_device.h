// What kind of code is being compiled, and the qualifiers of device code where nobody has supplied them.
//
// Nothing already defined is touched. Our own headers spell the function qualifier PTO_DEVICE_FUNC, because a
// user's `__aicore__` may say `[aicore]` to a compiler that does not know the attribute.
#pragma once

// Defined while a kernel is compiled, for the simulator or for a core.
#if defined(__DAV_VEC__) || defined(__DAV_CUBE__)
#define PTO_KERNEL_BUILD 1
#endif

// Defined while machine code for a core is compiled.
#if defined(PTO_KERNEL_BUILD) && !defined(__CPU_SIM)
#define PTO_CORE_BUILD 1
#endif

#ifndef __gm__
#define __gm__
#endif

#ifndef __aicore__
#ifdef PTO_CORE_BUILD
#define __aicore__ [aicore]
#else
#define __aicore__
#endif
#endif

#ifndef PTO_DEVICE_FUNC
#ifdef PTO_CORE_BUILD
#define PTO_DEVICE_FUNC __aicore__
#else
#define PTO_DEVICE_FUNC
#endif
#endif
