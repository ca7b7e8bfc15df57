// Block and lane, and names users define after our headers.
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

#define SINGLE_CACHE_LINE 0
#define CACHELINE_OUT 0
#ifdef PTO_CPUSTUB_HPP
#define dcci(...) \
    do { \
    } while (0)
#endif

static constexpr int N = 16, T = 4, D = 1;
static constexpr int32_t FLOATS_PER_CACHE_LINE = 16;

template <typename U>
static __aicore__ __gm__ U *comm_remote_ptr(__gm__ U *local, int) {
    return local;
}

extern "C" __aicore__ __attribute__((always_inline)) inline void kernel_body(__gm__ int64_t *args) {
    __gm__ Tensor *out = reinterpret_cast<__gm__ Tensor *>(args[0]);
    __gm__ float *cell = reinterpret_cast<__gm__ float *>(out->buffer.addr) + out->start_offset;
    int32_t which = get_block_idx(args);
    int32_t lane = get_sub_block_id(args);
    comm_remote_ptr(cell, T)[(2 * which + lane) * FLOATS_PER_CACHE_LINE] =
        static_cast<float>(which * 100 + get_block_num(args) + N + D);
    dcci(cell, SINGLE_CACHE_LINE, CACHELINE_OUT);
    pipe_barrier(PIPE_ALL);
}

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) { kernel_body(args); }
