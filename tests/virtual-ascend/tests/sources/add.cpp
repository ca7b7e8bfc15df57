// out = x + y.
#include <stdint.h>

#include "tensor.h"

extern "C" __attribute__((visibility("default"))) void kernel_entry(int64_t *args) {
    const Tensor *x = reinterpret_cast<const Tensor *>(args[0]);
    const Tensor *y = reinterpret_cast<const Tensor *>(args[1]);
    const Tensor *out = reinterpret_cast<const Tensor *>(args[2]);
    const float *from_x = reinterpret_cast<const float *>(x->buffer.addr) + x->start_offset;
    const float *from_y = reinterpret_cast<const float *>(y->buffer.addr) + y->start_offset;
    float *into = reinterpret_cast<float *>(out->buffer.addr) + out->start_offset;
    for (uint32_t index = 0; index < out->shapes[0]; index++) {
        into[index] = from_x[index] + from_y[index];
    }
}
