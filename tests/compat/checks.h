// What a source of the corpus finds out about itself: a word that the test reads after the run.
#pragma once

#include <cstdint>
#include <type_traits>

// Added to the number of checks that held; a smaller verdict is the line of the first that did not.
static constexpr uint64_t ALL_HOLD = 1000000;

struct Checks {
    uint64_t held = 0;
    uint64_t first_wrong_line = 0;

    void note(bool holds, uint64_t line) {
        held += holds;
        if (!holds && first_wrong_line == 0) first_wrong_line = line;
    }
    uint64_t verdict() const { return first_wrong_line == 0 ? ALL_HOLD + held : first_wrong_line; }
};

// Of this shared object.
static Checks checks;

#define CHECK(...) checks.note(static_cast<bool>(__VA_ARGS__), __LINE__)

// Whether a class has a member of exactly this type: CHECK_MEMBER(Tensor::version, int32_t Tensor::*).
#define CHECK_MEMBER(name, ...) static_assert(std::is_same_v<decltype(&name), __VA_ARGS__>)

// Puts the verdict where the test looks for it. In simulation every program sees the memory of the process.
static inline void report(uint64_t address) { *reinterpret_cast<uint64_t *>(address) = checks.verdict(); }
