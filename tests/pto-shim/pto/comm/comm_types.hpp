// Stand-in for PTO-ISA's communication types. See ../../README.md.
#pragma once

#include <cstdint>

namespace pto::comm {

enum class NotifyOp {
    AtomicAdd,
    Set,
};

// A counter in somebody's memory.
struct Signal {
    explicit Signal(int32_t *counter) : counter(counter) {}
    int32_t *counter;
};

}  // namespace pto::comm
