// Communicators by name.
#pragma once
#include "hccl/hccl_types.h"

typedef uint32_t CommTopo;

HcclResult HcomGetCommHandleByGroup(const char *group, HcclComm *commHandle);
HcclResult HcomGetL0TopoTypeEx(const char *group, CommTopo *topoType, uint32_t isSetDevice);
