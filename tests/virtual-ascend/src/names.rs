// The functions of each library that is played; read by the build script and by the crate.

/// Libraries and their functions.
pub const LIBRARIES: &[(&str, &[&str])] = &[
    (
        "libruntime.so",
        &[
            "rtSetDevice",
            "rtDeviceReset",
            "rtGetSocVersion",
            "rtMalloc",
            "rtFree",
            "rtMemcpy",
            "rtMemset",
            "rtStreamCreate",
            "rtStreamDestroy",
            "rtStreamSynchronize",
            "rtStreamSynchronizeWithTimeout",
            "rtStreamQuery",
            "rtGetC2cCtrlAddr",
            "rtRegisterAllKernel",
            "rtDevBinaryUnRegister",
            "rtKernelLaunchWithHandleV2",
            "rtAicpuKernelLaunchExWithArgs",
        ],
    ),
    (
        "libascendcl.so",
        &[
            "aclInit",
            "aclFinalize",
            "aclrtSetOpExecuteTimeOutV2",
            "aclrtSynchronizeStreamWithTimeout",
            "aclrtSynchronizeDeviceWithTimeout",
            "aclrtResetDeviceForce",
            "aclrtGetStreamResLimit",
            "aclGetRecentErrMsg",
        ],
    ),
    (
        "libascend_hal.so",
        &[
            "halGetDeviceInfoByBuff",
            "halGetDeviceInfo",
            "halMemCtl",
            "halResMap",
            "halHostRegister",
            "halHostUnregister",
        ],
    ),
    ("libunified_dlog.so", &["dlog_setlevel"]),
];
