// Directions of callable arguments, and how many arguments there may be.
#pragma once

#include <cstdint>

enum class ArgDirection : int32_t {
    SCALAR = 0,
    IN = 1,
    OUT = 2,
    INOUT = 3,
};

inline constexpr int CORE_MAX_TENSOR_ARGS = 16;   // per task
inline constexpr int CHIP_MAX_TENSOR_ARGS = 64;   // per orchestration call
inline constexpr int CORE_MAX_SCALAR_ARGS = 32;   // per task
inline constexpr int CHIP_MAX_SCALAR_ARGS = 128;  // per orchestration call

// Alignment of binaries and children inside a callable image, counted from the start of its storage.
inline constexpr uint32_t CALLABLE_ALIGN = 64;

static inline uint32_t callable_align_up(uint32_t size) {
    return (size + CALLABLE_ALIGN - 1) & ~(CALLABLE_ALIGN - 1);
}

inline const char *arg_direction_name(ArgDirection d) {
    switch (d) {
    case ArgDirection::SCALAR:
        return "SCALAR";
    case ArgDirection::IN:
        return "IN";
    case ArgDirection::OUT:
        return "OUT";
    case ArgDirection::INOUT:
        return "INOUT";
    }
    return "UNKNOWN";
}
