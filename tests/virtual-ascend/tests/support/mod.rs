//! What the tests of real chips share: images, a program, and a device that runs it.

#[path = "device.rs"]
mod device;
#[path = "images.rs"]
pub(crate) mod images;

use platform::{
    Device, Kernel, Orchestration, Program, ProgramKernel, Rings, RunOptions, RunReport,
};
use protocol::{
    ArgDirection, CallConfig, ChipStorageTaskArgs, ContinuousTensor, DataType, TaskArgsView,
};
use std::path::PathBuf;
use std::process::Command;
use virtual_ascend::{Family, code_for_virtual_cores};

pub(crate) use device::{device, limits};
pub(crate) use images::{Runtime, aicpu_image, name, root, run};

/// A compiler for the chip's control CPUs or for this machine, as a command and its first arguments.
pub(crate) struct Compiler(pub(crate) Vec<String>);

impl Compiler {
    pub(crate) fn native() -> Self {
        Self(vec!["c++".to_owned()])
    }

    /// A shared object of one of the sources beside this file.
    pub(crate) fn shared_object(
        &self,
        family: Family,
        runtime: Runtime,
        source: &str,
        extra: &[&str],
    ) -> Vec<u8> {
        let output = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!(
            "{source}-{}-{:?}.so",
            std::process::id(),
            std::thread::current().id()
        ));
        let include = |folder: &str| format!("-I{}", root().join(folder).display());
        let (first, rest) = self.0.split_first().expect("a compiler is a program");
        let mut command = Command::new(first);
        command
            .args(rest)
            .args(["-std=c++17", "-O2", "-fPIC", "-shared", "-o"])
            .arg(&output)
            .args([
                include(&format!("runtime-{}/include", runtime.name())),
                include(match runtime {
                    Runtime::Trb => "aicore-abi/include/trb",
                    Runtime::Hbg => "aicore-abi/include",
                }),
                include("aicore-abi/include"),
                include(&format!("aicore-abi/include/{}", name(family))),
            ])
            .arg(
                root()
                    .join("tests/virtual-ascend/tests/sources")
                    .join(source),
            )
            .args(extra.iter().map(|path| root().join(path)));
        run(&mut command);
        let bytes = std::fs::read(&output).expect("just built");
        std::fs::remove_file(output).expect("just read");
        bytes
    }
}

/// The program of `sums.cpp` or `sums_graph.cpp`, an orchestration for the chip built by `compiler`.
pub(crate) fn sums(family: Family, runtime: Runtime, compiler: &Compiler) -> Program {
    let native = Compiler::native();
    let (orchestration, kernel) = match runtime {
        Runtime::Trb => {
            let support = "runtime-trb/include/orchestration/common.cpp";
            let image = compiler.shared_object(family, runtime, "sums.cpp", &[support]);
            let orchestration = aicpu::trb::Orchestration::image(image, "", "");
            let orchestration = orchestration.expect("names without zero bytes");
            (Orchestration::Trb(orchestration), "add.cpp")
        }
        Runtime::Hbg => {
            let image = native.shared_object(family, runtime, "sums_graph.cpp", &[]);
            let orchestration = aicpu::hbg::Orchestration::image(image, "build_graph");
            let orchestration = orchestration.expect("a name without zero bytes");
            (Orchestration::Hbg(orchestration), "add_words.cpp")
        }
    };
    let kernel = native.shared_object(family, runtime, kernel, &[]);
    Program {
        orchestration,
        signature: vec![ArgDirection::In, ArgDirection::In, ArgDirection::Out],
        kernels: vec![ProgramKernel {
            func_id: 0,
            core: None,
            kernel: Kernel::Image(code_for_virtual_cores(&kernel).into()),
        }],
    }
}

/// Small rings: played memory is real memory.
pub(crate) fn options() -> RunOptions {
    RunOptions {
        rings: Rings {
            task_window: Some(64),
            heap_bytes: Some(1 << 20),
            dep_pool: None,
        },
        ..RunOptions::default()
    }
}

/// Runs `sums` and says what came out.
pub(crate) fn run_sums(
    device: &dyn Device,
    id: i32,
    links: u64,
    (clusters, threads): (i32, i32),
) -> platform::Result<(Vec<f32>, RunReport)> {
    let config = CallConfig {
        block_dim: clusters,
        aicpu_thread_num: threads,
        ..CallConfig::default()
    };
    run_sums_as(device, id, links, &config, &options())
}

/// The same, with whatever configuration.
pub(crate) fn run_sums_as(
    device: &dyn Device,
    id: i32,
    links: u64,
    config: &CallConfig,
    options: &RunOptions,
) -> platform::Result<(Vec<f32>, RunReport)> {
    let a: Vec<f32> = (0..1000_u16).map(f32::from).collect();
    let b = vec![2.0_f32; 1000];
    let mut out = vec![-1.0_f32; 1000];
    let tensor =
        |data: u64| ContinuousTensor::new(data, &[1000], DataType::Float32).expect("one axis");
    let tensors = [
        tensor(a.as_ptr().expose_provenance() as u64),
        tensor(b.as_ptr().expose_provenance() as u64),
        tensor(out.as_mut_ptr().expose_provenance() as u64),
    ];
    let view = TaskArgsView::new(&tensors, core::slice::from_ref(&links));
    let args = ChipStorageTaskArgs::from_view(&view).expect("few arguments");
    // SAFETY: the three tensors live until the run is over; the last one is writable.
    let report = unsafe { device.run(id, &args, config, options) }?;
    Ok((out, report))
}

/// What `sums` should compute.
pub(crate) fn expected(links: u64) -> Vec<f32> {
    (0..1000_u16)
        .map(|index| f32::from(index) + 2.0 * (links + 1) as f32)
        .collect()
}
