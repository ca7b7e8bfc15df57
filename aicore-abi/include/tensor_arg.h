// A tensor as the host passes it to an orchestration, and the tags a task puts on its tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "data_type.h"

constexpr int CONTINUOUS_TENSOR_MAX_DIMS = 5;

// A dense row-major tensor. Extents beyond `ndims` mean nothing.
struct ContinuousTensor {
    uint64_t data;                                // address of the first byte
    uint32_t shapes[CONTINUOUS_TENSOR_MAX_DIMS];  // elements per dimension
    uint32_t ndims;
    DataType dtype;
    uint8_t child_memory;  // nonzero: already device memory, passed through as it is

    // Size in bytes; without dimensions, one element.
    [[nodiscard]] uint64_t nbytes() const {
        uint64_t bytes = get_element_size(dtype);
        for (uint32_t dim = 0; dim < ndims; dim++) bytes *= shapes[dim];
        return bytes;
    }

    template <typename T>
    T *data_as() const {
        return reinterpret_cast<T *>(static_cast<uintptr_t>(data));
    }

    [[nodiscard]] bool is_child_memory() const { return child_memory != 0; }
};

static_assert(std::is_trivially_copyable_v<ContinuousTensor> && std::is_standard_layout_v<ContinuousTensor>);
static_assert(sizeof(ContinuousTensor) == 40 && alignof(ContinuousTensor) == 8);
static_assert(offsetof(ContinuousTensor, data) == 0);
static_assert(offsetof(ContinuousTensor, shapes) == 8);
static_assert(offsetof(ContinuousTensor, ndims) == 28);
static_assert(offsetof(ContinuousTensor, dtype) == 32);
static_assert(offsetof(ContinuousTensor, child_memory) == 33);

// What a task does with a tensor.
enum class TensorArgType : int32_t {
    INPUT = 0,
    OUTPUT = 1,           // allocated by the runtime
    INOUT = 2,
    OUTPUT_EXISTING = 3,  // written only, into memory that exists
    NO_DEP = 4,           // no dependency through the memory
};
