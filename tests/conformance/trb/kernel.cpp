// to = factor * from + addend + BIAS, and what else its mode says. The same in Rust: `tests/src/conformance/trb.rs`.
#include <cstdint>

#include <pto/pto-inst.hpp>

#include "intrinsic.h"
#include "pipe_sync.h"
#include "pto_async_kernel_api.h"
#include "tensor.h"

#include "../script.h"
#include "../stuck.h"

#ifndef BIAS
#define BIAS 0
#endif

static inline __gm__ uint32_t *cells(const __gm__ Tensor *t) {
    return reinterpret_cast<__gm__ uint32_t *>(t->buffer.addr) + t->start_offset;
}

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *from = reinterpret_cast<__gm__ Tensor *>(args[0]);
    __gm__ Tensor *to = reinterpret_cast<__gm__ Tensor *>(args[1]);
    const uint32_t factor = static_cast<uint32_t>(args[2]);
    const uint32_t addend = static_cast<uint32_t>(args[3]);
    const uint64_t mode = static_cast<uint64_t>(args[4]);
    const uint64_t aux = static_cast<uint64_t>(args[5]);

    switch (mode) {
    case MODE_FAIL:
        throw 7;
    case MODE_STUCK:
        stay_until_set(aux);
        break;
    case MODE_MARK: {
        const uint32_t block = static_cast<uint32_t>(get_block_idx(args));
#ifdef __DAV_CUBE__
        const uint32_t lane = 0;
#else
        const uint32_t lane = factor == 1 ? 0 : 1 + static_cast<uint32_t>(get_sub_block_id(args));
#endif
        uint32_t mark = block + 1;
        if (addend != 0) {
            __atomic_fetch_add(cells(from), 1, __ATOMIC_ACQ_REL);
            const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
            while (__atomic_load_n(cells(from), __ATOMIC_ACQUIRE) < addend) {
                if (std::chrono::steady_clock::now() > give_up) {
                    mark = 0;
                    break;
                }
                std::this_thread::yield();
            }
        }
        cells(to)[block * factor + lane] += mark;
        pipe_sync();
        return;
    }
    case MODE_DEFER: {
        AsyncCtx ctx = get_async_ctx(args);
        save_expected_notification_counter(ctx, reinterpret_cast<volatile __gm__ int32_t *>(cells(from)), factor);
        cells(to)[0] = addend;
        pipe_sync();
        return;
    }
    case MODE_SEND:
        pto2_send_notification(
            reinterpret_cast<__gm__ int32_t *>(cells(from)), 1, pto::comm::NotifyOp::AtomicAdd
        );
        pipe_sync();
        return;
    default:
        break;
    }
    for (uint32_t i = 0; i < to->shapes[0]; i++) cells(to)[i] = factor * cells(from)[i] + addend + BIAS;
    if (mode == MODE_BEYOND) cells(to)[to->shapes[0]] = 1;
    pipe_sync();
}
