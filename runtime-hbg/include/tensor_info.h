// What the tensor dump knows about a task's tensor arguments and about device memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "common/platform_config.h"
#include "data_type.h"
#include "tensor_arg.h"

struct TensorInfo {
    DataType dtype;
    uint8_t ndims;
    uint16_t reserved;
    uint32_t shapes[PLATFORM_DUMP_MAX_DIMS];
    uint32_t raw_shapes[PLATFORM_DUMP_MAX_DIMS];  // extents of the buffer
    uint32_t offsets[PLATFORM_DUMP_MAX_DIMS];     // origin in it
};

static_assert(std::is_trivial_v<TensorInfo> && sizeof(TensorInfo) == 64 && alignof(TensorInfo) == 4);
static_assert(offsetof(TensorInfo, dtype) == 0);
static_assert(offsetof(TensorInfo, ndims) == 1);
static_assert(offsetof(TensorInfo, reserved) == 2);
static_assert(offsetof(TensorInfo, shapes) == 4);
static_assert(offsetof(TensorInfo, raw_shapes) == 24);
static_assert(offsetof(TensorInfo, offsets) == 44);

// Without `raw_shapes` the buffer is exactly the tensor; without `offsets` it starts at the buffer's start. At most
// five dimensions are stored.
inline TensorInfo make_tensor_info(
    DataType dtype, uint32_t ndims, const uint32_t *shapes, const uint32_t *raw_shapes = nullptr,
    const uint32_t *offsets = nullptr
) {
    TensorInfo info{};
    info.dtype = dtype;
    info.ndims = static_cast<uint8_t>(ndims);
    for (uint32_t dim = 0; dim < ndims && dim < static_cast<uint32_t>(PLATFORM_DUMP_MAX_DIMS); dim++) {
        info.shapes[dim] = shapes[dim];
        info.raw_shapes[dim] = raw_shapes != nullptr ? raw_shapes[dim] : shapes[dim];
        info.offsets[dim] = offsets != nullptr ? offsets[dim] : 0;
    }
    return info;
}

inline TensorInfo make_tensor_info_from_tensor_arg(const ContinuousTensor &tensor) {
    return make_tensor_info(tensor.dtype, tensor.ndims, tensor.shapes);
}

// One device allocation.
struct TensorAllocationInfo {
    uint64_t base_addr;
    uint64_t size_bytes;

    bool contains(uint64_t addr) const { return addr >= base_addr && addr - base_addr < size_bytes; }
};

static_assert(sizeof(TensorAllocationInfo) == 16 && offsetof(TensorAllocationInfo, size_bytes) == 8);
