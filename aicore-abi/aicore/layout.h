// The records a core reads and writes, as the protocol pins them.
//
// SIMPLER_FAMILY_A5 selects the family; the other one is a2a3.
#pragma once

#include "intrinsics.h"

namespace simpler {

#ifdef SIMPLER_FAMILY_A5

struct Handshake {
    volatile uint32_t aicpu_ready;
    volatile uint32_t aicore_done;
    volatile uint64_t task;
    volatile int32_t core_type;
    uint32_t reserved;
    volatile uint64_t l2_perf_records_addr;
    volatile uint32_t physical_core_id;
    volatile uint32_t aicpu_regs_ready;
    volatile uint32_t aicore_regs_ready;
    volatile uint32_t enable_profiling_flag;
    volatile uint64_t pmu_buffer_addr;
    volatile uint64_t pmu_reg_base;
};

#else

struct Handshake {
    volatile uint32_t aicpu_ready;
    volatile uint32_t aicore_done;
    volatile uint64_t task;
    volatile int32_t core_type;
    volatile uint32_t physical_core_id;
    volatile uint32_t aicpu_regs_ready;
    volatile uint32_t aicore_regs_ready;
    uint8_t reserved[32];
};

// What a core of this family is started with.
struct KernelArgs {
    uint64_t unused[5];
    uint64_t device_args;
    uint64_t runtime_args;
    uint64_t regs;
    uint64_t ffts_base_addr;
    uint64_t dump_data_base;
    uint64_t l2_perf_data_base;
    uint64_t pmu_data_base;
    uint64_t pmu_reg_addrs;
    uint64_t aicore_ring_addr;
    uint32_t log_level;
    uint32_t log_info_v;
    uint32_t enable_profiling_flag;
    uint32_t pad;
};
static_assert(sizeof(KernelArgs) == 128, "pinned");

#endif

static_assert(sizeof(Handshake) == 64, "one cache line");

constexpr uint32_t kInlineWords = 48;

struct Payload {
    uint64_t function_bin_addr;
    uint64_t args[50];
    uint8_t local_context[48];
    int32_t sub_block_id;
    uint8_t reserved[12];
    uint64_t kernel_handle;
    uint32_t tensor_count;
    uint32_t scalar_count;
    uint64_t record;
    uint8_t tail[16];
};
static_assert(sizeof(Payload) == 512, "pinned");

// Where a call is written down: the control CPU's line, then the core's.
struct CallRecord {
    uint8_t schedulers[64];
    volatile uint64_t start;
    volatile uint64_t end;
    uint8_t tail[48];
};
static_assert(sizeof(CallRecord) == 128, "two cache lines");

}  // namespace simpler
