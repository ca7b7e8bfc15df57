// Limits of callable ids and callable names.
#pragma once

#include <cstdint>

inline constexpr int32_t MAX_REGISTERED_CALLABLE_IDS = 64;  // ids 0..63
inline constexpr uint32_t CALLABLE_FUNC_NAME_MAX = 64;      // bytes of a stored name, its NUL included
