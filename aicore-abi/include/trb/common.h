// Assertions.
//
// In an orchestration a failed assertion is logged and thrown; the support source holds those functions. A kernel
// is one translation unit, so what it does in the simulator stands here: print and abort. On a core nothing that
// asserts can be called.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "pto_device.h"

#define PTO_PRAGMA(x) _Pragma(#x)

#if defined(__clang__)
#define MAYBE_UNINITIALIZED_BEGIN \
    PTO_PRAGMA(clang diagnostic push) PTO_PRAGMA(clang diagnostic ignored "-Wuninitialized")
#define MAYBE_UNINITIALIZED_END PTO_PRAGMA(clang diagnostic pop)
#elif defined(__GNUC__)
#define MAYBE_UNINITIALIZED_BEGIN \
    PTO_PRAGMA(GCC diagnostic push) \
    PTO_PRAGMA(GCC diagnostic ignored "-Wuninitialized") PTO_PRAGMA(GCC diagnostic ignored "-Wmaybe-uninitialized")
#define MAYBE_UNINITIALIZED_END PTO_PRAGMA(GCC diagnostic pop)
#else
#define MAYBE_UNINITIALIZED_BEGIN
#define MAYBE_UNINITIALIZED_END
#endif

#if defined(PTO_KERNEL_BUILD) && !defined(PTO_CORE_BUILD)

inline std::string get_stacktrace(int skip_frames = 1) {
    (void)skip_frames;
    return std::string();
}

[[noreturn]] inline void assert_impl(const char *condition, const char *file, int line) {
    std::fprintf(stderr, "kernel assertion failed: %s\n  at %s:%d\n", condition, file, line);
    std::abort();
}

#else

// The calls that led here, one per line, without the innermost `skip_frames`.
std::string get_stacktrace(int skip_frames = 1);

[[noreturn]] void assert_impl(const char *condition, const char *file, int line);

#endif

// Thrown by a failed assertion. Keeps the two pointers: both name string literals.
class AssertionError : public std::runtime_error {
public:
    AssertionError(const char *condition, const char *file, int line)
        : std::runtime_error(describe(condition, file, line)),
          condition_(condition),
          file_(file),
          line_(line) {}

    const char *condition() const { return condition_; }
    const char *file() const { return file_; }
    int line() const { return line_; }

private:
    // Not std::to_string: its table is a unique symbol, which keeps a shared object from being unloaded.
    static std::string describe(const char *condition, const char *file, int line) {
        char number[16];
        std::snprintf(number, sizeof(number), "%d", line);
        return std::string("Assertion failed: ") + condition + "\n  Location: " + file + ":" + number + "\n" +
               get_stacktrace(3);
    }

    const char *condition_;
    const char *file_;
    int line_;
};

#define always_assert(...) \
    do { \
        if (!static_cast<bool>(__VA_ARGS__)) assert_impl(#__VA_ARGS__, __FILE__, __LINE__); \
    } while (0)

// Not evaluated in builds with NDEBUG.
#ifdef NDEBUG
#define debug_assert(...) ((void)0)
#else
#define debug_assert(...) always_assert(__VA_ARGS__)
#endif
