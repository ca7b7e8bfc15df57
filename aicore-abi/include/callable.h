// Heads of the two callable images, as a host program hands them over. Reading only: images are built elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "arg_direction.h"
#include "callable_protocol.h"

inline constexpr int CHIP_MAX_CHILDREN = 1024;

// One kernel. The binary starts 128 bytes after the start of the image, which may be only 4-byte aligned.
struct CoreCallable {
    ArgDirection signature_[CORE_MAX_TENSOR_ARGS];
    int32_t sig_count_;
    uint32_t binary_size_;
    uint64_t resolved_addr_;  // 0 until the host has uploaded the kernel

    static constexpr size_t binary_offset() { return 128; }
    size_t image_size() const { return binary_offset() + binary_size_; }
};

static_assert(std::is_trivially_copyable_v<CoreCallable>);
static_assert(sizeof(CoreCallable) == 80 && alignof(CoreCallable) == 8);
static_assert(offsetof(CoreCallable, signature_) == 0);
static_assert(offsetof(CoreCallable, sig_count_) == 64);
static_assert(offsetof(CoreCallable, binary_size_) == 68);
static_assert(offsetof(CoreCallable, resolved_addr_) == 72);

// An orchestration and its kernels. Storage follows the head at once; child offsets count from storage.
struct ChipCallable {
    ArgDirection signature_[CHIP_MAX_TENSOR_ARGS];
    int32_t sig_count_;
    uint32_t binary_size_;
    char func_name_[CALLABLE_FUNC_NAME_MAX];
    uint32_t func_name_len_;
    int32_t child_func_ids_[CHIP_MAX_CHILDREN];
    uint32_t child_offsets_[CHIP_MAX_CHILDREN];
    int32_t child_count_;
    char config_name_[CALLABLE_FUNC_NAME_MAX];
    uint32_t config_name_len_;

    const uint8_t *storage() const { return reinterpret_cast<const uint8_t *>(this) + sizeof(ChipCallable); }
};

static_assert(std::is_trivially_copyable_v<ChipCallable>);
static_assert(sizeof(ChipCallable) == 8596 && alignof(ChipCallable) == 4);
static_assert(offsetof(ChipCallable, signature_) == 0);
static_assert(offsetof(ChipCallable, sig_count_) == 256);
static_assert(offsetof(ChipCallable, binary_size_) == 260);
static_assert(offsetof(ChipCallable, func_name_) == 264);
static_assert(offsetof(ChipCallable, func_name_len_) == 328);
static_assert(offsetof(ChipCallable, child_func_ids_) == 332);
static_assert(offsetof(ChipCallable, child_offsets_) == 4428);
static_assert(offsetof(ChipCallable, child_count_) == 8524);
static_assert(offsetof(ChipCallable, config_name_) == 8528);
static_assert(offsetof(ChipCallable, config_name_len_) == 8592);
