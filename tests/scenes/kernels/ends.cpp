// out = {first element, last element, elements that equal the first} of x, as whole numbers of `bytes` bytes.
#include "kernel.h"

#include <cstring>

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *x = tensor(args, 0);
    __gm__ uint64_t *out = cells<uint64_t>(tensor(args, 1));
    const uint32_t bytes = scalar<uint32_t>(args, 2);
    const uint32_t count = run_length(x);
    __gm__ uint8_t *from = reinterpret_cast<__gm__ uint8_t *>(x->buffer.addr) + x->start_offset * bytes;
    uint64_t first = 0;
    uint64_t last = 0;
    uint64_t same = 0;
    std::memcpy(&first, from, bytes);
    for (uint32_t i = 0; i < count; i++) {
        last = 0;
        std::memcpy(&last, from + i * bytes, bytes);
        same += last == first;
    }
    out[0] = first;
    out[1] = last;
    out[2] = same;
    pipe_sync();
}
