// The usual order of includes: PTO-ISA, descriptor, using-directive, synchronisation, fallbacks.
#include <cstdint>
#include <pto/pto-inst.hpp>

#include "tensor.h"

using namespace pto;

#include "pipe_sync.h"

#ifndef __gm__
#define __gm__
#endif
#ifndef __aicore__
#define __aicore__ [aicore]
#endif

template <typename T, int N>
static __aicore__ __gm__ T *cells(__gm__ Tensor *t) {
    return reinterpret_cast<__gm__ T *>(t->buffer.addr) + t->start_offset * N;
}

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *from = reinterpret_cast<__gm__ Tensor *>(args[0]);
    __gm__ Tensor *into = reinterpret_cast<__gm__ Tensor *>(args[1]);
    float factor = from_u64<float>(static_cast<uint64_t>(args[2]));
    for (uint32_t i = 0; i < into->shapes[0]; i++) {
        cells<float, 1>(into)[i] = cells<float, 1>(from)[i] * factor;
    }
    set_flag(PIPE_MTE3, PIPE_S, EVENT_ID7);
    wait_flag(PIPE_MTE3, PIPE_S, EVENT_ID7);
    pipe_sync();
}
