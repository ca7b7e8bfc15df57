// Element types, and the packing of small values into 64-bit argument words.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "pto_device.h"

enum class DataType : uint8_t {
    FLOAT32,
    FLOAT16,
    INT32,
    INT16,
    INT8,
    UINT8,
    BFLOAT16,
    INT64,
    UINT64,
    UINT16,
    UINT32,
    DATA_TYPE_NUM,  // how many there are; not an element type
};

// Bytes per element; 0 for a value that is no element type. A switch, not a table: kernels own no data section.
inline uint64_t get_element_size(DataType dtype) {
    switch (dtype) {
    case DataType::INT64:
    case DataType::UINT64:
        return 8;
    case DataType::FLOAT32:
    case DataType::INT32:
    case DataType::UINT32:
        return 4;
    case DataType::FLOAT16:
    case DataType::BFLOAT16:
    case DataType::INT16:
    case DataType::UINT16:
        return 2;
    case DataType::INT8:
    case DataType::UINT8:
        return 1;
    case DataType::DATA_TYPE_NUM:
        break;
    }
    return 0;
}

inline const char *get_dtype_name(DataType dtype) {
    switch (dtype) {
    case DataType::FLOAT32:
        return "FLOAT32";
    case DataType::FLOAT16:
        return "FLOAT16";
    case DataType::INT32:
        return "INT32";
    case DataType::INT16:
        return "INT16";
    case DataType::INT8:
        return "INT8";
    case DataType::UINT8:
        return "UINT8";
    case DataType::BFLOAT16:
        return "BFLOAT16";
    case DataType::INT64:
        return "INT64";
    case DataType::UINT64:
        return "UINT64";
    case DataType::UINT16:
        return "UINT16";
    case DataType::UINT32:
        return "UINT32";
    case DataType::DATA_TYPE_NUM:
        break;
    }
    return "UNKNOWN";
}

// The object bytes of `value` in the low bytes of a word; the bytes above are zero.
template <typename T>
PTO_DEVICE_FUNC inline uint64_t to_u64(T value) {
    static_assert(sizeof(T) <= sizeof(uint64_t), "a scalar argument has at most 8 bytes");
    static_assert(std::is_trivially_copyable_v<T>, "a scalar argument is copied as bytes");
    uint64_t word = 0;
    __builtin_memcpy(&word, &value, sizeof(T));
    return word;
}

// The low bytes of `bits` as a T; the bytes above are ignored.
template <typename T>
PTO_DEVICE_FUNC inline T from_u64(uint64_t bits) {
    static_assert(sizeof(T) <= sizeof(uint64_t), "a scalar argument has at most 8 bytes");
    static_assert(std::is_trivially_copyable_v<T>, "a scalar argument is copied as bytes");
    T value;
    __builtin_memcpy(&value, &bits, sizeof(T));
    return value;
}

// Whether T, looked at without reference and cv, may be given to Arg::add_scalar.
template <typename T>
inline constexpr bool is_supported_scalar_arg_v =
    std::is_arithmetic_v<std::remove_cv_t<std::remove_reference_t<T>>> ||
    std::is_enum_v<std::remove_cv_t<std::remove_reference_t<T>>>;
