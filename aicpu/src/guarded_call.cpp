// Calls into user code that may throw. An exception must not reach Rust frames, so it ends here.

#include "common/guarded_call.h"

extern "C" bool simpler_guarded_call(void (*function)(const void *), const void *argument, char *text,
                                     std::size_t capacity) {
    return simpler::guarded([&] { function(argument); }, text, capacity);
}

extern "C" bool simpler_guarded_build(int (*function)(void *, const void *), void *graph,
                                      const void *argument, int *result, char *text,
                                      std::size_t capacity) {
    return simpler::guarded([&] { *result = function(graph, argument); }, text, capacity);
}
