// Arguments of kernels that get plain words: addresses and scalars.
#pragma once

#include <cstdint>
#include <cstring>

#include <pto/pto-inst.hpp>

#include "pipe_sync.h"

#ifndef __gm__
#define __gm__
#endif
#ifndef __aicore__
#define __aicore__ [aicore]
#endif

template <typename T>
static inline __aicore__ __gm__ T *at(__gm__ int64_t *args, int index) {
    return reinterpret_cast<__gm__ T *>(args[index]);
}

static inline __aicore__ float real(__gm__ int64_t *args, int index) {
    float value;
    memcpy(&value, &args[index], sizeof value);
    return value;
}
