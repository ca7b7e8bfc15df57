//! What the chip gets to read for a run.
//!
//! Knows how a run is written into the shared records. Refuses to know when they are sent.

use core::ffi::CStr;

use aicpu::onboard::stamp::DIGEST;
use aicpu::onboard::wire::Request;
use bytemuck::Zeroable;
use protocol::callable::CORE_PAYLOAD_OFFSET;
use protocol::kernel_args::{LAUNCH_NAME_BYTES, LAUNCH_SO_NAME, launch_name};
use protocol::limits::MAX_ORCH_SYMBOL_NAME;
use protocol::run_descriptor::{RunDescriptors, TrbBody};
use protocol::{ChipStorageTaskArgs, CoreType};

use aicore_abi::seam::KernelEntry;

use crate::cann::AicpuLaunch;
use crate::error::{Error, Result};

use super::memory::Block;

/// One run, as it is written down.
pub(crate) struct Content<'a> {
    pub(crate) callable_id: i32,
    pub(crate) entries: &'a [KernelEntry],
    pub(crate) clusters: u32,
    pub(crate) threads: u32,
    /// What builds the graph on the chip; nothing if the host has.
    pub(crate) orchestration: Option<OnChip<'a>>,
}

/// An orchestration that runs on the chip.
pub(crate) struct OnChip<'a> {
    pub(crate) args: &'a ChipStorageTaskArgs,
    /// Its thread becomes a scheduler afterwards.
    pub(crate) orch_to_sched: bool,
    /// Address and length of its shared object.
    pub(crate) image: (u64, u64),
    /// Its entry and its configuration function.
    pub(crate) names: [&'a CStr; 2],
}

/// The run descriptor's bytes.
pub(crate) fn descriptor<A: RunDescriptors>(block: &Block, run: &Content<'_>) -> Result<Vec<u8>> {
    let workers = run.clusters * A::CORES_PER_BLOCK;
    let mut descriptor = A::Trb::zeroed();
    let body = A::trb_body_mut(&mut descriptor);
    let number = |number: u32| i32::try_from(number).expect("checked against the chip's limits");
    body.worker_count = number(workers);
    body.sche_cpu_num = number(run.threads);
    body.ready_queue_shards = number(A::DEFAULT_READY_QUEUE_SHARDS);
    body.task_window_size = u64::from(block.runtime.task_window);
    body.heap_size = block.runtime.heap_bytes;
    body.gm_sm_ptr = block.address();
    body.active_callable_id = run.callable_id;
    match &run.orchestration {
        None => body.orch_built_on_host = 1,
        Some(orchestration) => write_orchestration(body, run.callable_id, orchestration)?,
    }
    let mut kernels = 0;
    for (id, entry) in run
        .entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| entry.address != 0)
    {
        body.func_id_to_addr[id] = entry.address - CORE_PAYLOAD_OFFSET as u64;
        body.registered_kernel_func_ids[kernels] = i32::try_from(id).expect("below 1024");
        kernels += 1;
    }
    body.registered_kernel_count = i32::try_from(kernels).expect("at most 1024");

    let mut bytes = bytemuck::bytes_of(&descriptor).to_vec();
    for worker in 0..workers {
        let kind = if worker < run.clusters {
            CoreType::Aic
        } else {
            CoreType::Aiv
        };
        let record = worker as usize * size_of::<A::Record>();
        let at = record + A::OFFSETS.core_type;
        bytes[at..at + 4].copy_from_slice(&(kind as i32).to_le_bytes());
    }
    Ok(bytes)
}

fn write_orchestration(
    body: &mut TrbBody,
    callable_id: i32,
    orchestration: &OnChip<'_>,
) -> Result<()> {
    body.orch_to_sched = u8::from(orchestration.orch_to_sched);
    body.orch_args_storage = *orchestration.args;
    (body.dev_orch_so_addr, body.dev_orch_so_size) = orchestration.image;
    for (field, name) in [
        &mut body.device_orch_func_name,
        &mut body.device_orch_config_name,
    ]
    .into_iter()
    .zip(orchestration.names)
    {
        let bytes = name.to_bytes_with_nul();
        if bytes.len() > MAX_ORCH_SYMBOL_NAME {
            return Err(Error::Orchestration {
                id: callable_id,
                text: format!(
                    "the symbol {} has {} bytes; use at most {}",
                    name.to_string_lossy(),
                    bytes.len() - 1,
                    MAX_ORCH_SYMBOL_NAME - 1
                ),
            });
        }
        field[..bytes.len()].copy_from_slice(bytes);
    }
    Ok(())
}

/// A request without its numbers of runs.
pub(crate) fn request(block: &Block) -> Request {
    Request {
        digest: DIGEST,
        memory: block.runtime.bytes,
        heap_bytes: block.runtime.heap_bytes,
        task_window: block.runtime.task_window,
        map_entries: block.runtime.map_entries,
        epoch: block.epoch,
        ..Request::zeroed()
    }
}

/// The argument block of an AICPU launch: the kernel arguments, then three names.
#[derive(Debug)]
pub(crate) struct LaunchBlock {
    bytes: Vec<u8>,
    kernel_name_at: u32,
    so_name_at: u32,
}

impl LaunchBlock {
    pub(crate) fn new(kernel_args: &[u8], function: &CStr) -> Self {
        let offset = |names: usize| {
            u32::try_from(kernel_args.len() + names * LAUNCH_NAME_BYTES).expect("a few hundred")
        };
        let mut bytes = kernel_args.to_vec();
        bytes.extend(launch_name(function));
        bytes.extend(launch_name(LAUNCH_SO_NAME));
        bytes.extend([0; LAUNCH_NAME_BYTES]);
        Self {
            bytes,
            kernel_name_at: offset(0),
            so_name_at: offset(1),
        }
    }

    /// The launch of the block's function on so many threads.
    pub(crate) fn launch(&self, threads: u32) -> AicpuLaunch<'_> {
        AicpuLaunch {
            block: &self.bytes,
            kernel_name_at: self.kernel_name_at,
            so_name_at: self.so_name_at,
            threads,
        }
    }
}
