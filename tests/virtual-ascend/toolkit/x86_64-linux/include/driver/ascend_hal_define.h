// Types of the driver.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef uint64_t UINT64;
typedef uint32_t UINT32;

typedef enum tagDrvError { DRV_ERROR_NONE = 0, DRV_ERROR_NOT_SUPPORT = 0xfffe } drvError_t;

struct AddrMapInPara {
    unsigned int addr_type;
    unsigned int devid;
};

struct AddrMapOutPara {
    unsigned long long ptr;
    unsigned long long len;
};

enum res_map_type { RES_AICORE = 0 };
typedef enum processType { PROCESS_CP1 = 0 } processType_t;

struct res_map_info {
    processType_t target_proc_type;
    enum res_map_type res_type;
    unsigned int res_id;
    unsigned int flag;
    unsigned int rsv[1];
};
