// The application's interface.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef int aclError;
typedef void *aclrtStream;

aclError aclInit(const char *configPath);
aclError aclFinalize(void);
const char *aclGetRecentErrMsg(void);
aclError aclrtResetDeviceForce(int32_t deviceId);
aclError aclrtSynchronizeStreamWithTimeout(aclrtStream stream, int32_t timeout);
aclError aclrtSynchronizeDeviceWithTimeout(int32_t timeout);
aclError aclrtSetOpExecuteTimeOutV2(uint64_t timeout, uint64_t *actualTimeout);
