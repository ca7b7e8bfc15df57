// How the kernels reach the rows of a tensor of theirs.
#pragma once

#include <cstdint>

#include "../clean.h"
#include "intrinsic.h"
#include "pipe_sync.h"
#include "tensor.h"

static inline __aicore__ __gm__ Tensor *tensor(__gm__ int64_t *args, int index) {
    return reinterpret_cast<__gm__ Tensor *>(args[index]);
}

// Row `index` of a tensor that lies in one piece.
static inline __aicore__ __gm__ float *row(__gm__ Tensor *tensor, uint32_t index) {
    return reinterpret_cast<__gm__ float *>(tensor->buffer.addr) + tensor->start_offset + index * tensor->shapes[1];
}
