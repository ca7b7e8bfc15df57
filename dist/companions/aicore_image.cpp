// The program of simulated compute cores: it runs the kernel of one call.
//
// A core takes its token and acknowledges it in the simulator; what remains of a core's work is to call the
// kernel, and to keep what the kernel throws away from the simulator's frames.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>

#define EXPORT __attribute__((visibility("default")))

extern "C" {

// What both sides must have been built with, and for whom.
EXPORT extern const std::uint64_t simpler_protocol_digest = SIMPLER_DIGEST;
EXPORT extern const char simpler_aicore_family[] = SIMPLER_FAMILY;

EXPORT bool simpler_aicore_call(void (*kernel)(const void *), const void *args, char *text, std::size_t capacity) {
    try {
        kernel(args);
        return true;
    } catch (const std::exception &exception) {
        std::snprintf(text, capacity, "%s", exception.what());
    } catch (...) {
        std::snprintf(text, capacity, "an object that is no std::exception");
    }
    return false;
}
}
