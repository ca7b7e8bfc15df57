// Programs by descriptor.
#pragma once
#include <stddef.h>

#include "../kernel.h"

typedef struct {
    uint32_t optionId;
    uint32_t value[4];
} rtLoadBinaryOption_t;

typedef struct {
    rtLoadBinaryOption_t *options;
    size_t numOpt;
} rtLoadBinaryConfig_t;

typedef struct {
    uint32_t id;
    uint32_t value[4];
} rtLaunchKernelAttr_t;

typedef struct {
    rtLaunchKernelAttr_t *attrs;
    size_t numAttrs;
} rtKernelLaunchCfg_t;

typedef struct {
    rtAicpuArgsEx_t baseArgs;
    size_t cpuParamHeadOffset;
    uint32_t rsv[4];
} rtCpuKernelArgs_t;

rtError_t rtsBinaryLoadFromFile(const char *const binPath, const rtLoadBinaryConfig_t *const optionalCfg, void **handle);
rtError_t rtsBinaryUnload(void *binHandle);
rtError_t rtsFuncGetByName(void *binHandle, const char *kernelName, void **funcHandle);
rtError_t rtsLaunchCpuKernel(void *funcHandle, const uint32_t numBlocks, rtStream_t stm, const rtKernelLaunchCfg_t *cfg,
                             rtCpuKernelArgs_t *argsInfo);
