// An entry that is asked to be inlined although it is not inline: it must be exported all the same.
#pragma GCC diagnostic ignored "-Wattributes"

#include <cstdint>
#include <pto/pto-inst.hpp>

using namespace pto;

#include "pipe_sync.h"

#ifndef __gm__
#define __gm__
#endif
#ifndef __aicore__
#define __aicore__ [aicore]
#endif

extern "C" __aicore__ __attribute__((always_inline)) void kernel_entry(__gm__ int64_t *args) {
    __gm__ float *from = reinterpret_cast<__gm__ float *>(args[0]);
    __gm__ float *into = reinterpret_cast<__gm__ float *>(args[1]);
    for (int64_t i = 0; i < args[2]; i++) into[i] = 2.0f * from[i];
    pipe_sync();
}
