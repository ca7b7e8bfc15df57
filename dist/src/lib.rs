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
    /// What the interface wants it to export.
    pub exports: &'static [&'static str],
    /// What it exports besides.
    pub own: &'static [Own],
}

/// A name that no program built for the interface asks for.
#[derive(Clone, Copy, Debug)]
pub struct Own {
    /// The name.
    pub name: &'static str,
    /// Why it is there.
    pub reason: &'static str,
}

/// The same reason for several names.
macro_rules! own {
    ($($reason:literal: $($name:literal),+;)+) => {
        &[$($(Own { name: $name, reason: $reason },)+)+]
    };
}

/// Besides the interface: a program that does not find a name does without.
const HOST_OWN: &[Own] = own! {
    "a result is one number; the words of what went wrong":
        "simpler_last_error";
    "deadlines and permissions of runs, which no call has an argument for":
        "simpler_run_settings";
    "what embedded chips report as well, so that nobody can tell them apart":
        "simpler_holdings", "simpler_last_run";
};

const AICPU_OWN: &[Own] = own! {
    "compared before anything of the image is called":
        "simpler_protocol_digest";
    "what our host runtime drives the image by: runs, progress, the order to stop, log lines":
        "simpler_aicpu_image";
};

const AICORE_OWN: &[Own] = own! {
    "compared before anything of the image is called":
        "simpler_aicore_family", "simpler_protocol_digest";
    "the kernel of one call, whatever thread it is called on":
        "simpler_aicore_call";
};

const SIM_CONTEXT_OWN: &[Own] = own! {
    "kernels built with the headers of earlier generations ask for these":
        "pto_cpu_sim_get_execution_context", "pto_cpu_sim_get_shared_storage",
        "pto_cpu_sim_get_task_cookie", "pto_cpu_sim_set_execution_context";
    "says during a kernel on whose behalf the hooks answer":
        "simpler_sim_enter", "simpler_sim_leave";
};

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

/// `names` with one more in its place.
const fn with<const N: usize, const M: usize>(
    names: [&'static str; N],
    place: usize,
    name: &'static str,
) -> [&'static str; M] {
    assert!(M == N + 1, "one more");
    let mut all = [name; M];
    let mut at = 0;
    while at < N {
        all[at + (at >= place) as usize] = names[at];
        at += 1;
    }
    all
}

/// What images of the device-built runtime export as well: orchestrations have it compiled in.
const BIND: &str = "framework_bind_runtime";

const HOST_TRB: [&str; 31] = with(HOST, 17, BIND);

/// What the host runtime of the a5 asks of a control program.
const AICPU_A5_HBG: [&str; 27] = [
    "aicpu_execute",
    "g_is_log_enable_debug",
    "g_is_log_enable_error",
    "g_is_log_enable_info",
    "g_is_log_enable_warn",
    "g_log_info_v",
    "get_log_info_v",
    "get_platform_dump_base",
    "get_platform_l2_perf_base",
    "get_platform_pmu_base",
    "get_platform_regs",
    "is_dump_tensor_enabled",
    "is_l2_swimlane_enabled",
    "is_pmu_enabled",
    "set_dump_tensor_enabled",
    "set_l2_swimlane_enabled",
    "set_log_info_v",
    "set_log_level",
    "set_platform_dump_base",
    "set_platform_l2_perf_base",
    "set_platform_pmu_base",
    "set_platform_regs",
    "set_pmu_enabled",
    "unified_log_debug",
    "unified_log_error",
    "unified_log_info_v",
    "unified_log_warn",
];
const AICPU_A5_TRB: [&str; 28] = with(AICPU_A5_HBG, 6, BIND);
const AICPU_A2A3_HBG: [&str; 29] = with::<28, 29>(
    with(AICPU_A5_HBG, 10, "get_platform_pmu_reg_addrs"),
    22,
    "set_platform_pmu_reg_addrs",
);
const AICPU_A2A3_TRB: [&str; 30] = with(AICPU_A2A3_HBG, 6, BIND);

const AICORE_HBG: [&str; 2] = ["aicore_execute_wrapper", "set_sim_core_identity_helpers"];
const AICORE_TRB: [&str; 3] = with(AICORE_HBG, 1, BIND);

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

const SIM_CONTEXT: [&str; 9] = [
    "_Z26sim_context_set_cluster_idj",
    "_Z27sim_context_set_subblock_idj",
    "_Z28clear_cpu_sim_shared_storagev",
    "pto_cpu_sim_acquire_device",
    "pto_cpu_sim_bind_device",
    "pto_cpu_sim_get_bound_device",
    "pto_cpu_sim_release_device",
    "pto_sim_get_pipe_shared_state",
    "pto_sim_get_subblock_id",
];

macro_rules! built {
    ($file:literal) => {
        Source::Bytes(include_bytes!(concat!(env!("OUT_DIR"), "/", $file)))
    };
}

macro_rules! objects {
    ($(($platform:literal, $runtime:literal, $host:literal, $exports:expr, $aicpu:literal, $control:expr, $aicore:literal, $cores:expr)),+ $(,)?) => {
        &[
            $(
                Object {
                    path: (concat!($platform, "/", $runtime), "libhost_runtime.so"),
                    source: Source::Example { package: "dist", name: $host },
                    exports: &$exports,
                    own: HOST_OWN,
                },
                Object {
                    path: (concat!($platform, "/", $runtime), "libaicpu_kernel.so"),
                    source: Source::Example { package: "aicpu", name: $aicpu },
                    exports: &$control,
                    own: AICPU_OWN,
                },
                Object {
                    path: (concat!($platform, "/", $runtime), "libaicore_kernel.so"),
                    source: built!($aicore),
                    exports: &$cores,
                    own: AICORE_OWN,
                },
            )+
            Object {
                path: ("lib", "libsimpler_log.so"),
                source: built!("libsimpler_log.so"),
                exports: &LOG,
                own: &[],
            },
            Object {
                path: ("lib", "libcpu_sim_context.so"),
                source: built!("libcpu_sim_context.so"),
                exports: &SIM_CONTEXT,
                own: SIM_CONTEXT_OWN,
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
        AICPU_A2A3_TRB,
        "libaicore_kernel_a2a3_trb.so",
        AICORE_TRB
    ),
    (
        "a2a3sim",
        "hbg",
        "host_a2a3sim_hbg",
        HOST,
        "sim_a2a3_hbg",
        AICPU_A2A3_HBG,
        "libaicore_kernel_a2a3_hbg.so",
        AICORE_HBG
    ),
    (
        "a5sim",
        "trb",
        "host_a5sim_trb",
        HOST_TRB,
        "sim_a5_trb",
        AICPU_A5_TRB,
        "libaicore_kernel_a5_trb.so",
        AICORE_TRB
    ),
    (
        "a5sim",
        "hbg",
        "host_a5sim_hbg",
        HOST,
        "sim_a5_hbg",
        AICPU_A5_HBG,
        "libaicore_kernel_a5_hbg.so",
        AICORE_HBG
    ),
];

macro_rules! chip_objects {
    ($(($platform:literal, $runtime:literal, $host:literal, $exports:expr)),+ $(,)?) => {
        &[$(
            Object {
                path: (concat!($platform, "/", $runtime), "libhost_runtime.so"),
                source: Source::Example { package: "dist", name: $host },
                exports: &$exports,
                own: HOST_OWN,
            },
        )+]
    };
}

/// The host runtimes of real chips, whose programs are built by other compilers.
pub const CHIP_OBJECTS: &[Object] = chip_objects![
    ("a2a3", "trb", "host_a2a3_trb", HOST_TRB),
    ("a2a3", "hbg", "host_a2a3_hbg", HOST),
    ("a5", "trb", "host_a5_trb", HOST_TRB),
    ("a5", "hbg", "host_a5_hbg", HOST),
];

/// What an object may leave undefined besides names of the system's libraries: the log library is there first.
pub const PROVIDED: &[&str] = &["unified_log_info_v"];
