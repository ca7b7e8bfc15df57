// Types of communicators.
#pragma once
#include <stdint.h>

typedef enum { HCCL_SUCCESS = 0, HCCL_E_TIMEOUT = 9 } HcclResult;
typedef void *HcclComm;

#define HCCL_ROOT_INFO_BYTES 4108
typedef struct HcclRootInfoDef {
    char internal[HCCL_ROOT_INFO_BYTES];
} HcclRootInfo;
