// to = factor * from + addend + BIAS for `count` elements, and what else its mode says.
#include <cstdint>

#include <pto/pto-inst.hpp>

#include "pipe_sync.h"

#include "../script.h"
#include "../stuck.h"

#ifndef BIAS
#define BIAS 0
#endif
#ifndef __gm__
#define __gm__
#endif
#ifndef __aicore__
#define __aicore__ [aicore]
#endif

// Code for the two kinds of cores is never the same.
#ifdef __DAV_CUBE__
extern "C" __attribute__((visibility("default"))) const char suite_core[] = "cube";
#else
extern "C" __attribute__((visibility("default"))) const char suite_core[] = "vector";
#endif

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ uint32_t *from = reinterpret_cast<__gm__ uint32_t *>(args[0]);
    __gm__ uint32_t *to = reinterpret_cast<__gm__ uint32_t *>(args[1]);
    const uint32_t factor = static_cast<uint32_t>(args[2]);
    const uint32_t addend = static_cast<uint32_t>(args[3]);
    const uint64_t mode = static_cast<uint64_t>(args[4]);
    const uint64_t aux = static_cast<uint64_t>(args[5]);
    const int64_t count = args[6];

    if (mode == MODE_FAIL) throw 7;
    if (mode == MODE_STUCK) stay_until_set(aux);
    for (int64_t i = 0; i < count; i++) to[i] = factor * from[i] + addend + BIAS;
    if (mode == MODE_BEYOND) to[count] = 1;
    pipe_sync();
}
