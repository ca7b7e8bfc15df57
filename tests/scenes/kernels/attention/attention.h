// What the attention kernels share: tensors as arguments, and the numbers.
#pragma once

#include "../kernel.h"
#include "numbers.h"
