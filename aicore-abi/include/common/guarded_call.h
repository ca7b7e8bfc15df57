// Calls that an exception ends, and does not leave: its text goes on as data.
#pragma once

#include <cstddef>
#include <cstdio>
#include <exception>

namespace simpler {

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

}  // namespace simpler
