// What a submit names besides its arguments: the kernels of up to three cores, and how many blocks run.
#pragma once

#include <cstdint>
#include <type_traits>

#include "pto_device.h"
#include "pto_arch.h"

inline constexpr int32_t INVALID_KERNEL_ID = -1;

inline constexpr int32_t PTO2_SUBTASK_SLOT_COUNT = 3;
inline constexpr int32_t PTO2_NUM_RESOURCE_SHAPES = 3;

// The three cores of a cluster.
enum class PTO2SubtaskSlot : uint8_t {
    AIC = 0,
    AIV0 = 1,
    AIV1 = 2,
};

// Which cores one block needs.
enum class PTO2ResourceShape : uint8_t {
    AIC = 0,
    AIV = 1,
    MIX = 2,  // several cores of one cluster
};

inline constexpr uint8_t PTO2_SUBTASK_MASK_AIC = 1;
inline constexpr uint8_t PTO2_SUBTASK_MASK_AIV0 = 2;
inline constexpr uint8_t PTO2_SUBTASK_MASK_AIV1 = 4;
inline constexpr uint8_t PTO2_SUBTASK_FLAG_SYNC_START = 8;

// The cores a task uses, one bit each, and whether its blocks start together.
class ActiveMask {
public:
    constexpr ActiveMask() = default;
    constexpr explicit ActiveMask(uint8_t raw) : raw_(raw) {}

    constexpr uint8_t raw() const { return raw_; }
    constexpr uint8_t core_mask() const { return raw_ & (PTO2_SUBTASK_FLAG_SYNC_START - 1); }
    constexpr bool has_mask(uint8_t mask) const { return (raw_ & mask) != 0; }
    constexpr bool subtask_active(PTO2SubtaskSlot slot) const {
        return ((raw_ >> static_cast<uint8_t>(slot)) & 1) != 0;
    }
    constexpr bool requires_sync_start() const { return has_mask(PTO2_SUBTASK_FLAG_SYNC_START); }

    constexpr PTO2ResourceShape to_shape() const {
        const uint8_t cores = core_mask();
        if ((cores & (cores - 1)) != 0) return PTO2ResourceShape::MIX;
        return cores == PTO2_SUBTASK_MASK_AIC ? PTO2ResourceShape::AIC : PTO2ResourceShape::AIV;
    }

    void set_sync_start() { raw_ |= PTO2_SUBTASK_FLAG_SYNC_START; }

    constexpr bool operator==(ActiveMask other) const { return raw_ == other.raw_; }
    constexpr bool operator!=(ActiveMask other) const { return raw_ != other.raw_; }
    constexpr ActiveMask operator|(ActiveMask other) const { return ActiveMask(raw_ | other.raw_); }
    ActiveMask &operator|=(ActiveMask other) {
        raw_ |= other.raw_;
        return *this;
    }
    constexpr ActiveMask operator&(uint8_t mask) const { return ActiveMask(raw_ & mask); }
    constexpr explicit operator bool() const { return raw_ != 0; }

private:
    uint8_t raw_ = 0;
};

static_assert(sizeof(ActiveMask) == 1);

// One kernel per core of a cluster; INVALID_KERNEL_ID leaves a core out.
struct MixedKernels {
    int32_t aic_kernel_id{INVALID_KERNEL_ID};
    int32_t aiv0_kernel_id{INVALID_KERNEL_ID};
    int32_t aiv1_kernel_id{INVALID_KERNEL_ID};

    constexpr ActiveMask to_active_mask() const {
        uint8_t raw = 0;
        if (aic_kernel_id != INVALID_KERNEL_ID) raw |= PTO2_SUBTASK_MASK_AIC;
        if (aiv0_kernel_id != INVALID_KERNEL_ID) raw |= PTO2_SUBTASK_MASK_AIV0;
        if (aiv1_kernel_id != INVALID_KERNEL_ID) raw |= PTO2_SUBTASK_MASK_AIV1;
        return ActiveMask(raw);
    }
};

static_assert(sizeof(MixedKernels) == 12 && std::is_aggregate_v<MixedKernels>);

// How often the task's kernels run, each time with another block index. The two families call that number by
// different names; both names work on both.
class PTO2LaunchSpec {
public:
    constexpr PTO2LaunchSpec() = default;

    constexpr int16_t core_num() const { return count_; }
    void set_core_num(int16_t n) { count_ = n; }
#if !(defined(PTO_KERNEL_BUILD) && defined(PTO_ARCH_A5))  // there the name is built into the compiler
    constexpr int16_t block_num() const { return count_; }
    void set_block_num(int16_t n) { count_ = n; }
#endif

    constexpr bool require_sync_start() const { return require_sync_start_; }
    void set_require_sync_start(bool v) { require_sync_start_ = v; }

private:
    int16_t count_ = 1;
    bool require_sync_start_ = false;
};

static_assert(sizeof(PTO2LaunchSpec) == 4 && alignof(PTO2LaunchSpec) == 2);
