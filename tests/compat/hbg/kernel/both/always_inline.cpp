// An entry that is asked to be inlined although it is not inline: it must be exported all the same.
#pragma GCC diagnostic ignored "-Wattributes"

#include <cstdint>
#include <pto/pto-inst.hpp>

using namespace pto;

#include "pipe_sync.h"

#ifndef __gm__
#define __gm__
#endif
#ifndef __aicore__
#define __aicore__ [aicore]
#endif

extern "C" __aicore__ __attribute__((always_inline)) void kernel_entry(__gm__ int64_t *args) {
    args[0] += args[1];
    pipe_sync();
}
