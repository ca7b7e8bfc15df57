// What a core finds when it is told to run a kernel.
#pragma once

#include <cstddef>
#include <cstdint>

#include "intrinsic.h"

#define PTO2_DISPATCH_MAX_ARGS 50

struct alignas(64) PTO2DispatchPayload {
    uint64_t function_bin_addr;  // 0: nothing to call
    uint64_t args[PTO2_DISPATCH_MAX_ARGS];
    LocalContext local_context;
    GlobalContext global_context;
    uint8_t reserved_payload_abi_pad[8];
};

static_assert(sizeof(PTO2DispatchPayload) == 512 && alignof(PTO2DispatchPayload) == 64);
static_assert(offsetof(PTO2DispatchPayload, function_bin_addr) == 0);
static_assert(offsetof(PTO2DispatchPayload, args) == 8);
static_assert(offsetof(PTO2DispatchPayload, local_context) == 408);
static_assert(offsetof(PTO2DispatchPayload, global_context) == 456);
static_assert(offsetof(PTO2DispatchPayload, reserved_payload_abi_pad) == 460);
