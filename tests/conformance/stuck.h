// Code that does not return until it is told to, and gives up after a minute: a test that failed must end.
#pragma once

#include <chrono>
#include <stdint.h>
#include <thread>

static inline void stay_until_set(uint64_t address) {
    const uint32_t *word = reinterpret_cast<const uint32_t *>(address);
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == 0 && std::chrono::steady_clock::now() < give_up) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}
