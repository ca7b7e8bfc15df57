// What a kernel knows about its group of ranks; it gets the address of one as a scalar argument.
#pragma once

#include <cstddef>
#include <cstdint>

static constexpr uint32_t COMM_MAX_RANK_NUM = 64;

struct CommContext {
    uint64_t workSpace;      // backend's own memory; 0 in simulation
    uint64_t workSpaceSize;  // its bytes
    uint32_t rankId;         // own rank
    uint32_t rankNum;
    uint64_t winSize;                        // bytes per window
    uint64_t windowsIn[COMM_MAX_RANK_NUM];   // address of each rank's window
    uint64_t windowsOut[COMM_MAX_RANK_NUM];  // the same for writing
};

static_assert(sizeof(CommContext) == 1056 && alignof(CommContext) == 8);
static_assert(offsetof(CommContext, workSpace) == 0);
static_assert(offsetof(CommContext, workSpaceSize) == 8);
static_assert(offsetof(CommContext, rankId) == 16);
static_assert(offsetof(CommContext, rankNum) == 20);
static_assert(offsetof(CommContext, winSize) == 24);
static_assert(offsetof(CommContext, windowsIn) == 32);
static_assert(offsetof(CommContext, windowsOut) == 544);
