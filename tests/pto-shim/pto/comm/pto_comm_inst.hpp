// Stand-in for PTO-ISA's communication instructions. See ../../README.md.
#pragma once

#include "comm_types.hpp"

namespace pto::comm {

// Everything the caller wrote before is visible to whoever sees the counter change.
inline void TNOTIFY(Signal &signal, int32_t value, NotifyOp op) {
    if (op == NotifyOp::AtomicAdd) {
        __atomic_fetch_add(signal.counter, value, __ATOMIC_RELEASE);
    } else {
        __atomic_store_n(signal.counter, value, __ATOMIC_RELEASE);
    }
}

}  // namespace pto::comm
