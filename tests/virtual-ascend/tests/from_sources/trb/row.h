// How the kernels reach the row that a tensor of theirs is.
#pragma once

#include <cstdint>

#include "pipe_sync.h"
#include "tensor.h"

static inline __aicore__ __gm__ Tensor *tensor(__gm__ int64_t *args, int index) {
    return reinterpret_cast<__gm__ Tensor *>(args[index]);
}

static inline __aicore__ __gm__ float *row(__gm__ Tensor *tensor) {
    return reinterpret_cast<__gm__ float *>(tensor->buffer.addr) + tensor->start_offset;
}
