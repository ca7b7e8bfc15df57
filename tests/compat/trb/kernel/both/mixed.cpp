// One source for both kinds of core of a cluster. Each vector lane has half of the rows.
#include <cstdint>
#include <pto/pto-inst.hpp>

#include "tensor.h"

#ifndef __gm__
#define __gm__
#endif
#ifndef __aicore__
#define __aicore__ [aicore]
#endif

#include "intrinsic.h"

#ifdef __DAV_CUBE__
static constexpr bool DAV_CUBE = true;
#else
static constexpr bool DAV_CUBE = false;
#endif

static __aicore__ __gm__ float *cells(__gm__ int64_t *args, int index) {
    __gm__ Tensor *t = reinterpret_cast<__gm__ Tensor *>(args[index]);
    return reinterpret_cast<__gm__ float *>(t->buffer.addr) + t->start_offset;
}

static __aicore__ void run_aic(__gm__ int64_t *args, uint32_t all) {
    float factor = from_u64<float>(static_cast<uint64_t>(args[4]));
    for (uint32_t i = 0; i < all; i++) cells(args, 2)[i] = cells(args, 0)[i] * factor;
}

static __aicore__ void run_aiv(__gm__ int64_t *args, uint32_t all) {
    uint32_t first = all / 2 * static_cast<uint32_t>(get_sub_block_id(args));
    for (uint32_t i = first; i < first + all / 2; i++) cells(args, 3)[i] += cells(args, 1)[i];
}

extern "C" __aicore__ __attribute__((always_inline)) inline void both_kinds(__gm__ int64_t *args, uint32_t all) {
    if constexpr (DAV_CUBE) {
        run_aic(args, all);
    } else {
        run_aiv(args, all);
    }
    (void)run_aic;
    (void)run_aiv;
}

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *t = reinterpret_cast<__gm__ Tensor *>(args[0]);
    both_kinds(args, t->shapes[0] * t->shapes[1]);
}
