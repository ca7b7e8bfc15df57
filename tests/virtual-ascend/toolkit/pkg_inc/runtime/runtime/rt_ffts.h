// The unit by which cores synchronise.
#pragma once
#include "base.h"

rtError_t rtGetC2cCtrlAddr(uint64_t *addr, uint32_t *len);
