//! The shared objects that host programs load by path.
//!
//! Knows their names, where each comes from and what it exports. Refuses to know how any of them works: a host
//! runtime is an example of this package, the program of the control CPUs one of `aicpu`, each a few lines that
//! choose a platform and a runtime; what is C or C++ is built beside this table and part of it.

/// Where a shared object comes from.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// An example of a package: what cargo is to build.
    Example {
        /// The package.
        package: &'static str,
        /// The example.
        name: &'static str,
    },
    /// Built with this package.
    Bytes(&'static [u8]),
}

/// A shared object of a distribution.
#[derive(Clone, Copy, Debug)]
pub struct Object {
    /// Where it stands in a distribution: a folder and a file.
    pub path: (&'static str, &'static str),
    /// Where it comes from.
    pub source: Source,
    /// What it exports, in the order of names.
    pub exports: &'static [&'static str],
}

/// What both host runtimes export.
const HOST: [&str; 30] = [
    "bind_prepared_to_runtime_impl",
    "comm_alloc_windows",
    "comm_barrier",
    "comm_destroy",
    "comm_get_local_window_base",
    "comm_get_window_size",
    "comm_init",
    "copy_from_device_ctx",
    "copy_to_device_ctx",
    "create_comm_stream_ctx",
    "create_device_context",
    "destroy_comm_stream_ctx",
    "destroy_device_context",
    "device_free_ctx",
    "device_malloc_ctx",
    "ensure_acl_ready_ctx",
    "finalize_device",
    "get_aicpu_dlopen_count",
    "get_host_dlopen_count",
    "get_incore_compiler",
    "get_orchestration_compiler",
    "get_platform",
    "get_runtime_size",
    "prepare_callable",
    "prepare_callable_impl",
    "record_tensor_pair",
    "run_prepared",
    "simpler_init",
    "unregister_callable",
    "validate_runtime_impl",
];

/// The same with the name that only the library of the device-built runtime has.
const HOST_TRB: [&str; 31] = {
    let mut all = [""; 31];
    let mut at = 0;
    let mut from = 0;
    while at < all.len() {
        if at == 17 {
            all[at] = "framework_bind_runtime";
        } else {
            all[at] = HOST[from];
            from += 1;
        }
        at += 1;
    }
    all
};

const AICPU: [&str; 2] = ["simpler_aicpu_image", "simpler_protocol_digest"];

const AICORE: [&str; 3] = [
    "simpler_aicore_call",
    "simpler_aicore_family",
    "simpler_protocol_digest",
];

#[cfg(target_arch = "aarch64")]
macro_rules! list {
    ($name:literal) => {
        concat!($name, "St9__va_list")
    };
}
#[cfg(not(target_arch = "aarch64"))]
macro_rules! list {
    ($name:literal) => {
        concat!($name, "P13__va_list_tag")
    };
}

const LOG: [&str; 17] = [
    "_ZN10HostLogger10level_nameEN7simpler3log8LogLevelE",
    "_ZN10HostLogger10log_info_vEiPKcS1_z",
    "_ZN10HostLogger10set_info_vEi",
    list!("_ZN10HostLogger11vlog_info_vEiPKcS1_"),
    "_ZN10HostLogger12get_instanceEv",
    "_ZN10HostLogger3logEN7simpler3log8LogLevelEPKcS4_z",
    list!("_ZN10HostLogger4emitEPKcS1_S1_"),
    list!("_ZN10HostLogger4vlogEN7simpler3log8LogLevelEPKcS4_"),
    "_ZN10HostLogger9set_levelEN7simpler3log8LogLevelE",
    "_ZN10HostLoggerC1Ev",
    "_ZN10HostLoggerC2Ev",
    "_ZNK10HostLogger17is_info_v_enabledEi",
    "_ZNK10HostLogger19is_severity_enabledEN7simpler3log8LogLevelE",
    "unified_log_debug",
    "unified_log_error",
    "unified_log_info_v",
    "unified_log_warn",
];

const SIM_CONTEXT: [&str; 15] = [
    "_Z26sim_context_set_cluster_idj",
    "_Z27sim_context_set_subblock_idj",
    "_Z28clear_cpu_sim_shared_storagev",
    "pto_cpu_sim_acquire_device",
    "pto_cpu_sim_bind_device",
    "pto_cpu_sim_get_bound_device",
    "pto_cpu_sim_get_execution_context",
    "pto_cpu_sim_get_shared_storage",
    "pto_cpu_sim_get_task_cookie",
    "pto_cpu_sim_release_device",
    "pto_cpu_sim_set_execution_context",
    "pto_sim_get_pipe_shared_state",
    "pto_sim_get_subblock_id",
    "simpler_sim_enter",
    "simpler_sim_leave",
];

macro_rules! built {
    ($file:literal) => {
        Source::Bytes(include_bytes!(concat!(env!("OUT_DIR"), "/", $file)))
    };
}

macro_rules! objects {
    ($(($platform:literal, $runtime:literal, $host:literal, $exports:expr, $aicpu:literal, $aicore:literal)),+ $(,)?) => {
        &[
            $(
                Object {
                    path: (concat!($platform, "/", $runtime), "libhost_runtime.so"),
                    source: Source::Example { package: "dist", name: $host },
                    exports: &$exports,
                },
                Object {
                    path: (concat!($platform, "/", $runtime), "libaicpu_kernel.so"),
                    source: Source::Example { package: "aicpu", name: $aicpu },
                    exports: &AICPU,
                },
                Object {
                    path: (concat!($platform, "/", $runtime), "libaicore_kernel.so"),
                    source: built!($aicore),
                    exports: &AICORE,
                },
            )+
            Object {
                path: ("lib", "libsimpler_log.so"),
                source: built!("libsimpler_log.so"),
                exports: &LOG,
            },
            Object {
                path: ("lib", "libcpu_sim_context.so"),
                source: built!("libcpu_sim_context.so"),
                exports: &SIM_CONTEXT,
            },
        ]
    };
}

/// All of them.
pub const OBJECTS: &[Object] = objects![
    (
        "a2a3sim",
        "trb",
        "host_a2a3sim_trb",
        HOST_TRB,
        "sim_a2a3_trb",
        "libaicore_kernel_a2a3.so"
    ),
    (
        "a2a3sim",
        "hbg",
        "host_a2a3sim_hbg",
        HOST,
        "sim_a2a3_hbg",
        "libaicore_kernel_a2a3.so"
    ),
    (
        "a5sim",
        "trb",
        "host_a5sim_trb",
        HOST_TRB,
        "sim_a5_trb",
        "libaicore_kernel_a5.so"
    ),
    (
        "a5sim",
        "hbg",
        "host_a5sim_hbg",
        HOST,
        "sim_a5_hbg",
        "libaicore_kernel_a5.so"
    ),
];

/// What an object may leave undefined besides names of the system's libraries: the log library is there first.
pub const PROVIDED: &[&str] = &["unified_log_info_v"];
