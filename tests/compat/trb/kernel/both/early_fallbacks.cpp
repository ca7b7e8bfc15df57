// Qualifiers defined by the user before anything else, as `[aicore]`, and our headers before PTO-ISA.
#ifndef __gm__
#define __gm__
#endif
#ifndef __aicore__
#define __aicore__ [aicore]
#endif

#include "pipe_sync.h"
#include "tensor.h"
#include "intrinsic.h"

#include <cstdint>
#include <pto/pto-inst.hpp>

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *out = reinterpret_cast<__gm__ Tensor *>(args[0]);
    // The function without arguments is PTO-ISA's.
    reinterpret_cast<__gm__ float *>(out->buffer.addr)[get_block_idx(args)] =
        static_cast<float>(get_block_idx(args) + 10 * get_block_num(args)) + static_cast<float>(get_block_idx());
    pipe_sync();
}
