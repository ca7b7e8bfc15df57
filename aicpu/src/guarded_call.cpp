// Calls into user code that may throw. An exception must not reach Rust frames, so it ends here and
// its text goes on as data.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>

namespace {

// Returns whether `body` ended normally; otherwise `text` says what it threw.
template <typename Body>
bool guarded(Body body, char *text, std::size_t capacity) {
    try {
        body();
        return true;
    } catch (const std::exception &exception) {
        std::snprintf(text, capacity, "%s", exception.what());
    } catch (...) {
        std::snprintf(text, capacity, "an object that is no std::exception");
    }
    return false;
}

}  // namespace

extern "C" bool simpler_guarded_call(void (*function)(const void *), const void *argument, char *text,
                                     std::size_t capacity) {
    return guarded([&] { function(argument); }, text, capacity);
}

extern "C" bool simpler_guarded_build(int (*function)(void *, const void *), void *graph,
                                      const void *argument, int *result, char *text,
                                      std::size_t capacity) {
    return guarded([&] { *result = function(graph, argument); }, text, capacity);
}
