//! The names of the libraries that programs load by path, against the interface's own tables.
//!
//! Knows the tables (C interface, companion libraries, entry symbols of the images) and reads the libraries of a
//! distribution as a loader does. Refuses to trust the list that `cargo xtask dist` checks against.

use core::ffi::c_void;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use libloading::os::unix::Library;
use object::elf;
use object::read::elf::{Dyn, ElfFile64};
use object::{Endianness, Object, ObjectSymbol};

/// Resolved by every program that loads a host runtime.
const RESOLVED: [&str; 23] = [
    "create_device_context",
    "destroy_device_context",
    "get_runtime_size",
    "simpler_init",
    "finalize_device",
    "device_malloc_ctx",
    "device_free_ctx",
    "copy_to_device_ctx",
    "copy_from_device_ctx",
    "prepare_callable",
    "run_prepared",
    "unregister_callable",
    "get_aicpu_dlopen_count",
    "get_host_dlopen_count",
    "ensure_acl_ready_ctx",
    "create_comm_stream_ctx",
    "destroy_comm_stream_ctx",
    "comm_init",
    "comm_alloc_windows",
    "comm_get_local_window_base",
    "comm_get_window_size",
    "comm_barrier",
    "comm_destroy",
];

/// Exported by every host runtime, and not resolved by programs.
const BESIDES: [&str; 7] = [
    "record_tensor_pair",
    "prepare_callable_impl",
    "bind_prepared_to_runtime_impl",
    "validate_runtime_impl",
    "get_platform",
    "get_incore_compiler",
    "get_orchestration_compiler",
];

/// Compiled into everything of the device-built runtime.
const BIND: &str = "framework_bind_runtime";

/// What a control program must have, and may have.
const CONTROL: [&str; 10] = [
    "aicpu_execute",
    "set_platform_regs",
    "set_platform_dump_base",
    "set_dump_tensor_enabled",
    "set_platform_l2_perf_base",
    "set_l2_swimlane_enabled",
    "set_platform_pmu_base",
    "set_pmu_enabled",
    "set_log_level",
    "set_log_info_v",
];

/// What it has besides.
const CONTROL_BESIDES: [&str; 17] = [
    "get_platform_regs",
    "get_platform_dump_base",
    "get_platform_l2_perf_base",
    "get_platform_pmu_base",
    "is_dump_tensor_enabled",
    "is_l2_swimlane_enabled",
    "is_pmu_enabled",
    "get_log_info_v",
    "g_is_log_enable_debug",
    "g_is_log_enable_info",
    "g_is_log_enable_warn",
    "g_is_log_enable_error",
    "g_log_info_v",
    "unified_log_error",
    "unified_log_warn",
    "unified_log_debug",
    "unified_log_info_v",
];

/// What only the control program of an a2a3 has.
const CONTROL_A2A3: [&str; 2] = ["set_platform_pmu_reg_addrs", "get_platform_pmu_reg_addrs"];

const CORES: [&str; 2] = ["aicore_execute_wrapper", "set_sim_core_identity_helpers"];

/// What a host runtime takes from the log library.
const LOG: [&str; 7] = [
    "unified_log_error",
    "unified_log_warn",
    "unified_log_debug",
    "unified_log_info_v",
    "_ZN10HostLogger12get_instanceEv",
    "_ZN10HostLogger9set_levelEN7simpler3log8LogLevelE",
    "_ZN10HostLogger10set_info_vEi",
];

/// Members of the log library's class, by the name that the compiler makes of it up to where lists of arguments come,
/// which each processor names its own way.
const LOG_MEMBERS: [&str; 10] = [
    "_ZN10HostLogger10level_nameE",
    "_ZN10HostLogger10log_info_vE",
    "_ZN10HostLogger11vlog_info_vE",
    "_ZN10HostLogger3logE",
    "_ZN10HostLogger4emitE",
    "_ZN10HostLogger4vlogE",
    "_ZN10HostLoggerC1Ev",
    "_ZN10HostLoggerC2Ev",
    "_ZNK10HostLogger17is_info_v_enabledE",
    "_ZNK10HostLogger19is_severity_enabledE",
];

const CONTEXT: [&str; 9] = [
    "pto_cpu_sim_bind_device",
    "pto_cpu_sim_get_bound_device",
    "pto_cpu_sim_acquire_device",
    "pto_cpu_sim_release_device",
    "pto_sim_get_subblock_id",
    "pto_sim_get_pipe_shared_state",
    "_Z27sim_context_set_subblock_idj",
    "_Z26sim_context_set_cluster_idj",
    "_Z28clear_cpu_sim_shared_storagev",
];

/// A library as a loader sees it.
#[derive(Debug)]
struct Seen {
    soname: String,
    needed: Vec<String>,
    exports: BTreeSet<String>,
    undefined: BTreeSet<String>,
}

impl Seen {
    fn at(path: &Path) -> Self {
        let bytes = std::fs::read(path).expect("the distribution is whole");
        let file = ElfFile64::<Endianness>::parse(&*bytes).expect("an ELF file");
        let endian = file.endian();
        let sections = file.elf_section_table();
        let (entries, link) = sections
            .dynamic(endian, file.data())
            .expect("readable")
            .expect("a shared object has a dynamic section");
        let strings = sections
            .strings(endian, file.data(), link)
            .expect("it has names");
        let named = |tag| {
            let entries = entries.iter().filter(move |entry| entry.tag(endian) == tag);
            entries.map(|entry| {
                let text = entry.string(endian, strings).expect("a name");
                String::from_utf8_lossy(text).into_owned()
            })
        };
        let names = |wanted: fn(&object::read::elf::ElfSymbol64<'_, '_, Endianness>) -> bool| {
            file.dynamic_symbols()
                .filter(wanted)
                .map(|symbol| symbol.name().expect("a name").to_owned())
                .collect()
        };
        Self {
            soname: named(elf::DT_SONAME).next().unwrap_or_default(),
            needed: named(elf::DT_NEEDED).collect(),
            exports: names(|symbol| symbol.is_definition() && symbol.is_global()),
            undefined: names(|symbol| symbol.is_undefined() && !symbol.is_weak()),
        }
    }
}

/// What the distribution's manifest says a library exports for reasons of its own.
fn own(folder: &Path, file: &str) -> BTreeMap<String, String> {
    let manifest = std::fs::read(folder.join("manifest.json")).expect("there is a manifest");
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("JSON");
    let objects = manifest["objects"].as_array().expect("a list");
    let object = objects.iter().find(|object| object["file"] == file);
    let own = &object.expect("every library is in it")["own_exports"];
    serde_json::from_value(own.clone()).expect("names with reasons")
}

/// Checks one library: name, exports, and where everything it leaves undefined comes from.
fn check(folder: &Path, file: &str, table: &[&[&str]]) {
    let seen = Seen::at(&folder.join(file));
    let at = folder.join(file);
    let at = at.display();
    assert_eq!(seen.soname, file, "{at}");
    let own = own(folder, file);
    for (name, reason) in &own {
        assert!(reason.split(' ').count() > 3, "{at}: {name}: {reason}");
    }
    let wanted: BTreeSet<&str> = table.iter().copied().flatten().copied().collect();
    let exported: BTreeSet<&str> = seen.exports.iter().map(String::as_str).collect();
    let besides: BTreeSet<&str> = own.keys().map(String::as_str).collect();
    assert!(wanted.is_disjoint(&besides), "{at}");
    let both: BTreeSet<&str> = wanted.union(&besides).copied().collect();
    assert_eq!(exported, both, "{at}");
    for library in &seen.needed {
        let name = library.split(".so").next().unwrap_or_default();
        let system = ["libstdc++", "libgcc_s", "libc", "libm"];
        let loader = name.starts_with("ld-linux");
        assert!(loader || system.contains(&name), "{at} needs {library}");
    }
    // What is loaded before it besides: the log library, and in front of a host runtime the simulation context.
    let before = if file.starts_with("libsimpler_log") {
        &[][..]
    } else {
        &LOG
    };
    let scope = Library::this();
    for name in &seen.undefined {
        if before.contains(&name.as_str()) {
            continue;
        }
        let ours = exported_by_ours(name);
        assert!(!ours, "{at} leaves {name} undefined");
        // SAFETY: only whether it is there is asked.
        let found = unsafe { scope.get::<*const c_void>(name.as_bytes()) };
        assert!(
            found.is_ok(),
            "{at} wants {name}, which no library of the system has"
        );
    }
}

/// Whether a name is one of the interface, so that finding it in this test program would prove nothing.
fn exported_by_ours(name: &str) -> bool {
    let tables: [&[&str]; 5] = [&RESOLVED, &BESIDES, &CONTROL, &CORES, &CONTEXT];
    name.starts_with("simpler_") || tables.iter().any(|table| table.contains(&name))
}

fn distribution() -> &'static Path {
    tests::dist::built(env!("CARGO_TARGET_TMPDIR"))
}

fn platform(name: &str, control: &[&str], runtime: &str) {
    let folder = distribution().join(name).join(runtime);
    let bind: &[&str] = if runtime == "trb" { &[BIND] } else { &[] };
    check(&folder, "libhost_runtime.so", &[&RESOLVED, &BESIDES, bind]);
    let all = [&CONTROL[..], &CONTROL_BESIDES, control, bind];
    check(&folder, "libaicpu_kernel.so", &all);
    check(&folder, "libaicore_kernel.so", &[&CORES, bind]);
}

#[test]
fn a2a3sim_exports_what_the_interface_says() {
    platform("a2a3sim", &CONTROL_A2A3, "trb");
    platform("a2a3sim", &CONTROL_A2A3, "hbg");
}

#[test]
fn a5sim_exports_what_the_interface_says() {
    platform("a5sim", &[], "trb");
    platform("a5sim", &[], "hbg");
}

#[test]
fn companions_export_what_the_interface_says() {
    let folder = distribution().join("lib");
    check(&folder, "libcpu_sim_context.so", &[&CONTEXT]);
    let log = Seen::at(&folder.join("libsimpler_log.so"));
    let members: Vec<&str> = LOG_MEMBERS
        .iter()
        .map(|member| {
            let mut found = log.exports.iter().filter(|name| name.starts_with(member));
            let one = found
                .next()
                .unwrap_or_else(|| panic!("there is no {member}"));
            assert_eq!(found.next(), None, "{member} is one function");
            one.as_str()
        })
        .collect();
    check(&folder, "libsimpler_log.so", &[&LOG, &members]);
}
