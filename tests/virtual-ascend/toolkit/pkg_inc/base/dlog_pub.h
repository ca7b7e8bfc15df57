// The log.
#pragma once
#include <stdint.h>

int32_t dlog_setlevel(int32_t moduleId, int32_t level, int32_t enableEvent);
int32_t CheckLogLevel(int32_t moduleId, int32_t logLevel);
