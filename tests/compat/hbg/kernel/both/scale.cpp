// Raw argument words.
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

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ float *data = reinterpret_cast<__gm__ float *>(args[0]);
    union {
        uint64_t word;
        float real;
    } step;
    step.word = static_cast<uint64_t>(args[1]);
    int count = static_cast<int>(args[2]);
    for (int i = 0; i < count; i++) data[i] += step.real;
    pipe_sync();
}
