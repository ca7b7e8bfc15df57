// What the players of a device are asked, one packet per question and one per answer.
#pragma once

#include <stdint.h>

// Where device memory is in every process; src/arena.rs has the same numbers.
#define ARENA_BASE 0x120000000000ull
#define ARENA_BYTES 0x4000000000ull
// What a fresh allocation is filled with, and what a freed one.
#define FRESH 0xa5
#define FREED 0xdd

#define CLUSTERS 36

struct core_launch {
    uint32_t family;  // 0 a2a3, 1 a5
    uint32_t blocks;
    uint64_t argument;
    uint64_t registers;
    uint32_t clusters[CLUSTERS];  // physical cluster of each block
    uint32_t mute;  // how many cores do not answer
    uint32_t pad;
    uint64_t entries[2];  // of the registered program, for cube and vector cores; 0 for the players' own
};

struct cpu_launch {
    uint32_t threads;
    uint32_t processors;
    uint64_t args;
    char kernel[64];
    char library[64];
    uint32_t sabotage;  // 0 none, 1 return 1, 2 crash, 3 never return, 4 do nothing
    uint32_t pinned;  // each thread has one processor of this machine
};

struct answer {
    int32_t code;
    uint32_t pad;
    char text[248];
};
