//! What the tests of the simulated chip share: kernels, a scheduler of a few lines, a control program
//! made of a closure.

use core::fmt;
use core::time::Duration;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use aicore_abi::seam::{CoreId, Cores, KernelEntry, Togetherness};
use aicpu::Crew;
use bytemuck::Zeroable;
use protocol::TaskId;
use protocol::registers::{TASK_ID_MASK, TASK_STATE_MASK};
use sync::Word64;

use crate::lock::lock;
use crate::machine::LoadedKernel;
use crate::program::{InProcessKernel, Kernel, KernelCall, Waits};

use super::chip::ChipOptions;
use super::cores::SimCores;
use super::executor::{Executor, RunEnd, RunOrder};
use super::kernels::{SimCode, SimKernel};

/// No test waits longer for anything.
pub(crate) const WATCHDOG: Duration = Duration::from_secs(60);

/// A kernel of this process.
pub(crate) fn closure(
    waits: Waits,
    run: impl Fn(&KernelCall<'_>) + Send + Sync + 'static,
) -> Kernel {
    Kernel::InProcess(InProcessKernel {
        run: Arc::new(move |call| {
            run(call);
            Ok(())
        }),
        waits,
    })
}

/// A loaded kernel of this process.
pub(crate) fn loaded(
    waits: Waits,
    run: impl Fn(&KernelCall<'_>) + Send + Sync + 'static,
) -> SimKernel {
    load(&closure(waits, run))
}

/// A loaded kernel.
pub(crate) fn load(kernel: &Kernel) -> SimKernel {
    SimKernel::new(
        7,
        None,
        Arc::new(SimCode::load(7, kernel).expect("a good kernel")),
    )
}

/// The shared object that the system's C++ compiler makes of `source`.
pub(crate) fn compiled(source: &str) -> Arc<[u8]> {
    // All with one build id: it names a link, not its bytes, and nothing may rely on more.
    let build_id = "-Wl,--build-id=0x0123456789abcdef";
    compile(source, &["-shared", "-fPIC", "-O1", "-std=c++17", build_id])
}

fn compile(source: &str, flags: &[&str]) -> Arc<[u8]> {
    struct Folder(PathBuf);
    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
    static NUMBER: Word64Static = Word64Static::new();
    let name = format!("platform-test-{}-{}", std::process::id(), NUMBER.next());
    let folder = Folder(std::env::temp_dir().join(name));
    std::fs::create_dir_all(&folder.0).expect("a writable temporary directory");
    let (input, output) = (folder.0.join("kernel.cpp"), folder.0.join("kernel.so"));
    std::fs::write(&input, source).expect("a writable temporary directory");
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let status = Command::new(compiler)
        .args(flags)
        .arg("-o")
        .arg(&output)
        .arg(&input)
        .status()
        .expect("a C++ compiler");
    assert!(status.success(), "the compiler refused:\n{source}");
    std::fs::read(&output)
        .expect("the compiler wrote it")
        .into()
}

/// Numbers for names.
struct Word64Static(std::sync::LazyLock<Word64>);

impl Word64Static {
    const fn new() -> Self {
        Self(std::sync::LazyLock::new(|| Word64::new(0)))
    }

    fn next(&self) -> u64 {
        self.0.add(1)
    }
}

/// Dispatches calls to cores as a scheduler does.
pub(crate) struct Driver<'a> {
    pub(crate) cores: &'a SimCores,
    tokens: Vec<u32>,
}

impl<'a> Driver<'a> {
    pub(crate) fn new(cores: &'a SimCores) -> Self {
        Self {
            cores,
            tokens: vec![0; usize::from(cores.count())],
        }
    }

    /// Dispatches a call with these argument words and says its token.
    pub(crate) fn dispatch(
        &mut self,
        core: u16,
        entry: KernelEntry,
        togetherness: Togetherness,
        args: &[u64],
    ) -> u32 {
        let token = &mut self.tokens[usize::from(core)];
        *token += 1;
        let token = *token;
        // SAFETY: at most one call per core is in flight here, so the payload is free.
        let payload = unsafe { self.cores.payload(CoreId(core), token).as_mut() };
        *payload = Zeroable::zeroed();
        payload.function_bin_addr = entry.address;
        payload.kernel_handle = entry.handle;
        payload.args[..args.len()].copy_from_slice(args);
        payload.local_context.block_idx = i32::from(core);
        payload.local_context.async_ctx.task_token = TaskId::new(1, 5);
        // SAFETY: as above, for the buffer.
        let deferred = unsafe { self.cores.deferred(CoreId(core), token).as_mut() };
        deferred.count = 0;
        deferred.error_code = 0;
        self.cores.dispatch(CoreId(core), token, togetherness);
        token
    }

    /// Whether the last call of `core` has ended.
    pub(crate) fn has_ended(&self, core: u16) -> bool {
        let status = self.cores.status(CoreId(core));
        status & TASK_STATE_MASK != 0 && status & TASK_ID_MASK == self.tokens[usize::from(core)]
    }

    /// Waits for the end of the last call of every core in `cores`, helping where it can, and says
    /// the sum of their error codes.
    pub(crate) fn finish(&self, cores: impl IntoIterator<Item = u16> + Clone) -> i32 {
        let started = Instant::now();
        loop {
            let ended = cores
                .clone()
                .into_iter()
                .filter(|&core| !self.has_ended(core))
                .count()
                == 0;
            if ended {
                break;
            }
            assert!(started.elapsed() < WATCHDOG, "{}", self.cores.describe());
            if !self.cores.help() {
                std::thread::yield_now();
            }
        }
        cores
            .into_iter()
            .map(|core| {
                let token = self.tokens[usize::from(core)];
                // SAFETY: the call has ended.
                unsafe { self.cores.deferred(CoreId(core), token).as_ref() }.error_code
            })
            .sum()
    }

    /// Runs one call to its end.
    pub(crate) fn run(&mut self, core: u16, kernel: &SimKernel, args: &[u64]) -> i32 {
        self.dispatch(core, kernel.entry(), Togetherness::Alone, args);
        self.finish([core])
    }
}

/// What a control program does with a run.
pub(crate) type Script = dyn Fn(&RunOrder, &SimCores, &dyn Crew) -> RunEnd + Send + Sync;

/// A control program that does what a closure says.
pub(crate) struct Scripted {
    script: Arc<Script>,
    /// Held during a run, as the table of loaded orchestrations is.
    table: Mutex<()>,
}

impl Scripted {
    /// A chip whose control program is `script`.
    pub(crate) fn chip(
        script: impl Fn(&RunOrder, &SimCores, &dyn Crew) -> RunEnd + Send + Sync + 'static,
    ) -> ChipOptions {
        let script: Arc<Script> = Arc::new(script);
        ChipOptions::new(move || Ok(Box::new(Self::new(&script))))
    }

    /// A control program that does what `script` says.
    pub(crate) fn new(script: &Arc<Script>) -> Self {
        Self {
            script: Arc::clone(script),
            table: Mutex::default(),
        }
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripted")
    }
}

impl Executor for Scripted {
    fn run(&self, order: &RunOrder, cores: &SimCores, crew: &dyn Crew) -> RunEnd {
        let _table = lock(&self.table);
        (self.script)(order, cores, crew)
    }

    fn progress(&self) -> u64 {
        0
    }

    fn abort(&self) {}

    fn describe(&self) -> String {
        "a script runs".to_owned()
    }

    fn forget(&self, _callable_id: i32) {
        drop(lock(&self.table));
    }
}
