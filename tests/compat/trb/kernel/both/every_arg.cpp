// Looks at every argument of the task of `every_call.cpp`; compiled for both kinds of core, which run at once.
#include <cstdint>
#include <pto/pto-inst.hpp>

#include "tensor.h"

#include "checks.h"

using namespace pto;

#include "pipe_sync.h"

#ifdef __DAV_CUBE__
static constexpr int OWN = 3;
#else
static constexpr int OWN = 2;
#endif

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *a = reinterpret_cast<__gm__ Tensor *>(args[0]);
    __gm__ Tensor *b = reinterpret_cast<__gm__ Tensor *>(args[1]);
    __gm__ Tensor *made = reinterpret_cast<__gm__ Tensor *>(args[OWN]);
    CHECK(reinterpret_cast<__gm__ Tensor *>(args[4])->is_same_memref(*a));
    CHECK(reinterpret_cast<__gm__ Tensor *>(args[5])->is_same_memref(*b) && b->manual_dep && b->version == 1);
    CHECK(made->owner_task_id.is_valid() && made->dtype == DataType::FLOAT32 && made->shapes[0] == 16);
    static constexpr int64_t EXPECTED[14] = {
        1, 'c', 0xffff, 0x3fc00000, 0x4004000000000000, 0xffff, 4, 7, 8, 1, 2, 0xffffffff, 0, 1,
    };
    for (int i = 0; i < 14; i++) CHECK(args[6 + i] == EXPECTED[i]);
    __gm__ float *out = reinterpret_cast<__gm__ float *>(made->buffer.addr) + made->start_offset;
    for (uint32_t i = 0; i < made->shapes[0]; i++) out[i] = static_cast<float>(100 + i);
    report(static_cast<uint64_t>(args[20]) + 8 * (OWN - 2));
    pipe_sync();
}
