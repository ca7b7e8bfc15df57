// Windows of communicators.
#pragma once
#include "hccl/hccl_types.h"

HcclResult HcclAllocComResourceByTiling(HcclComm comm, void *stream, void *mc2Tiling, void **commContext);
