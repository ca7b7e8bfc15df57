// Devices.
#pragma once
#include "base.h"

rtError_t rtSetDevice(int32_t devId);
rtError_t rtDeviceReset(int32_t devId);
rtError_t rtGetSocVersion(char_t *ver, const uint32_t maxLen);
rtError_t rtGetDeviceCount(int32_t *cnt);
rtError_t rtGetAiCpuCount(uint32_t *aiCpuCnt);
