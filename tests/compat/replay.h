// Helpers of generated replay programs: every line printed is a label and a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>
#include <vector>

using U32s = std::vector<uint32_t>;

static inline void put_bytes(const char *label, const void *object, size_t size) {
    std::printf("%s ", label);
    for (size_t i = 0; i < size; i++) std::printf("%02x", static_cast<const uint8_t *>(object)[i]);
    std::printf("\n");
}

static inline void put_number(const char *label, uint64_t value) {
    std::printf("%s %llu\n", label, static_cast<unsigned long long>(value));
}

static inline void put_text(const char *label, const char *value) { std::printf("%s %s\n", label, value); }

// Memory at an address the vectors state.
static inline uint8_t *map_at(uint64_t address, size_t size) {
    void *wanted = reinterpret_cast<void *>(address);
    void *got = mmap(wanted, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (got != wanted) {
        std::fprintf(stderr, "address %p is taken\n", wanted);
        std::exit(2);
    }
    return static_cast<uint8_t *>(got);
}
