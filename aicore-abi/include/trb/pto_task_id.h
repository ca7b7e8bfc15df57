// The name of one task: which ring it lives in, and its running number there.
#pragma once

#include <cstdint>
#include <type_traits>

struct PTO2TaskId {
    uint64_t raw;  // ring in bits 32..39, running number in bits 0..31; all ones is no task

    static constexpr PTO2TaskId make(uint8_t ring_id, uint32_t local_id) {
        return PTO2TaskId{(static_cast<uint64_t>(ring_id) << 32) | local_id};
    }
    static constexpr PTO2TaskId invalid() { return PTO2TaskId{~uint64_t{0}}; }

    constexpr uint8_t ring() const { return static_cast<uint8_t>(raw >> 32); }
    constexpr uint32_t local() const { return static_cast<uint32_t>(raw); }
    constexpr bool is_valid() const { return raw != ~uint64_t{0}; }
    constexpr bool is_invalid() const { return !is_valid(); }
    constexpr bool operator==(const PTO2TaskId &other) const { return raw == other.raw; }
    constexpr bool operator!=(const PTO2TaskId &other) const { return raw != other.raw; }
};

static_assert(sizeof(PTO2TaskId) == 8 && alignof(PTO2TaskId) == 8);
static_assert(std::is_trivial_v<PTO2TaskId> && std::is_aggregate_v<PTO2TaskId>);
