// out = x * y, elementwise.
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
    __gm__ Tensor *x = reinterpret_cast<__gm__ Tensor *>(args[0]);
    __gm__ Tensor *y = reinterpret_cast<__gm__ Tensor *>(args[1]);
    __gm__ Tensor *out = reinterpret_cast<__gm__ Tensor *>(args[2]);
    __gm__ float *from_x = reinterpret_cast<__gm__ float *>(x->buffer.addr) + x->start_offset;
    __gm__ float *from_y = reinterpret_cast<__gm__ float *>(y->buffer.addr) + y->start_offset;
    __gm__ float *into = reinterpret_cast<__gm__ float *>(out->buffer.addr) + out->start_offset;
    const uint64_t count = static_cast<uint64_t>(out->shapes[0]) * out->shapes[1];
    for (uint64_t i = 0; i < count; i++) into[i] = from_x[i] * from_y[i];
    pipe_sync();
}
