// Types of the runtime.
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef int32_t rtError_t;
typedef void *rtStream_t;
typedef char char_t;
