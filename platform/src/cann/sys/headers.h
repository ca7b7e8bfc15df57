// All headers of CANN that declare something of what is called.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if __has_include("acl/acl.h")
#include "acl/acl.h"
#endif
#include "acl/acl_base_rt.h"
#include "acl/acl_rt.h"
#include "ascend_hal_base.h"
#include "dlog_pub.h"
#include "hccl/hccl_comm.h"
#include "hccl/hccl_ex.h"
#include "hccl/hcom.h"
#include "runtime/dev.h"
#include "runtime/kernel.h"
#include "runtime/mem.h"
#include "runtime/rt_ffts.h"
#include "runtime/rts/rts_kernel.h"
#include "runtime/stream.h"
// From CANN 9.1 on some declarations have moved.
#if __has_include("runtime/rt_external_kernel.h")
#include "runtime/rt_external_kernel.h"
#endif
#if __has_include("runtime/rt_external_mem.h")
#include "runtime/rt_external_mem.h"
#endif

// Numbers that are macros in some versions and enumerators in others.
enum {
    simpler_memory_hbm = RT_MEMORY_HBM,
    simpler_binary_magic_elf = RT_DEV_BINARY_MAGIC_ELF,
    simpler_root_info_bytes = sizeof(HcclRootInfo),
};
