// Adds to a tile: what is in a tile of its shape, what is in its upper half, and a number.
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

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *top = reinterpret_cast<__gm__ Tensor *>(args[0]);
    __gm__ Tensor *whole = reinterpret_cast<__gm__ Tensor *>(args[1]);
    __gm__ Tensor *into = reinterpret_cast<__gm__ Tensor *>(args[2]);
    float number = static_cast<float>(static_cast<int32_t>(args[3]) + static_cast<int32_t>(args[4]));
    __gm__ float *sum = reinterpret_cast<__gm__ float *>(into->buffer.addr) + into->start_offset;
    __gm__ float *more = reinterpret_cast<__gm__ float *>(whole->buffer.addr) + whole->start_offset;
    __gm__ float *upper = reinterpret_cast<__gm__ float *>(top->buffer.addr) + top->start_offset;
    for (uint32_t i = 0; i < into->shapes[0] * into->shapes[1]; i++) sum[i] += more[i] + number;
    for (uint32_t i = 0; i < top->shapes[0] * top->shapes[1]; i++) sum[i] += upper[i];
    pipe_sync();
}
