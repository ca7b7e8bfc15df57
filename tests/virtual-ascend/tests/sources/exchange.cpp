// out = what the next rank has in its window, plus what lies in the own one.
#include <stdint.h>

#include "tensor.h"

struct Windows {
    uint64_t workspace, workspace_bytes;
    uint32_t rank, ranks;
    uint64_t bytes;
    uint64_t in[64], out[64];
};

extern "C" __attribute__((visibility("default"))) void kernel_entry(int64_t *args) {
    const Tensor *out = reinterpret_cast<const Tensor *>(args[0]);
    const Windows *windows = reinterpret_cast<const Windows *>(args[1]);
    float *into = reinterpret_cast<float *>(out->buffer.addr) + out->start_offset;
    const float *own = reinterpret_cast<const float *>(windows->in[windows->rank]);
    const float *next = reinterpret_cast<const float *>(windows->in[(windows->rank + 1) % windows->ranks]);
    for (uint32_t index = 0; index < out->shapes[0]; index++) {
        into[index] = own[index] + next[index];
    }
}
