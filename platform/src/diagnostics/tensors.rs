//! `tensor_dump`: what went into every task and came out.
//!
//! Knows manifest and contents, which are the reference's. Refuses to know what the numbers mean.

use std::io::{self, Write};
use std::path::Path;

use protocol::DataType;
use protocol::diagnostics::{TensorDumpRole, TensorDumpStage};
use protocol::recording::{Section, TensorRecord};

use super::text::Quoted;
use crate::recording::Recording;

/// Writes all contents, one behind the other in the order of the records.
pub(super) fn write_contents(recording: &Recording, to: &mut dyn Write) -> io::Result<()> {
    for tensor in &recording.tensors {
        to.write_all(recording.content(tensor))?;
    }
    Ok(())
}

/// Writes what is where.
pub(super) fn write_manifest(
    recording: &Recording,
    folder: &Path,
    to: &mut dyn Write,
) -> io::Result<()> {
    let mut offset = 0;
    let mut tensors: Vec<(&TensorRecord, u64)> = recording
        .tensors
        .iter()
        .map(|tensor| {
            let at = offset;
            offset += recording.content(tensor).len() as u64;
            (tensor, at)
        })
        .collect();
    tensors.sort_by_key(|(it, _)| {
        let place = (it.task_id, it.lane, it.func_id);
        (place, it.stage, it.argument, it.role)
    });
    let count = |which: &dyn Fn(&TensorRecord) -> bool| {
        recording.tensors.iter().filter(|it| which(it)).count()
    };
    let stage = |stage: TensorDumpStage| count(&|it| it.stage == stage as u8);
    let role = |role: TensorDumpRole| count(&|it| it.role == role as u8);
    writeln!(
        to,
        "{{\n  \"run_dir\": {},\n  \"bin_format\": {{\"type\": \"logical_contiguous\", \"byte_order\": \
         \"little_endian\"}},\n  \"total_tensors\": {},\n  \"before_dispatch\": {},\n  \"after_completion\": {},\n  \
         \"input_tensors\": {},\n  \"output_tensors\": {},\n  \"inout_tensors\": {},\n  \"truncated_tensors\": {},\n  \
         \"dropped_records\": {},\n  \"dropped_overwrite\": {},\n  \"bin_file\": \"tensor_dump.bin\",\n  \
         \"tensors\": [",
        Quoted(&folder.to_string_lossy()),
        tensors.len(),
        stage(TensorDumpStage::BeforeDispatch),
        stage(TensorDumpStage::AfterCompletion),
        role(TensorDumpRole::Input),
        role(TensorDumpRole::Output),
        role(TensorDumpRole::Inout),
        count(&is_truncated),
        recording.dropped(Section::Tensors),
        count(&is_lost),
    )?;
    for (index, (tensor, at)) in tensors.iter().enumerate() {
        if index != 0 {
            writeln!(to, ",")?;
        }
        write_entry(tensor, *at, to)?;
    }
    writeln!(to, "\n  ]\n}}")
}

fn is_truncated(tensor: &TensorRecord) -> bool {
    tensor.kept != 0 && tensor.kept < tensor.bytes
}

fn is_lost(tensor: &TensorRecord) -> bool {
    tensor.kept == 0 && tensor.bytes != 0
}

fn write_entry(tensor: &TensorRecord, at: u64, to: &mut dyn Write) -> io::Result<()> {
    let rank = usize::from(tensor.rank).min(tensor.shape.len());
    let shape = &tensor.shape[..rank];
    let kind = DataType::from_wire(tensor.dtype);
    let role = match tensor.role {
        0 => "input",
        1 => "output",
        _ => "inout",
    };
    let stage = if tensor.stage == TensorDumpStage::BeforeDispatch as u8 {
        "before_dispatch"
    } else {
        "after_completion"
    };
    write!(
        to,
        "    {{\"task_id\": \"0x{:016x}\", \"subtask_id\": {}, \"func_id\": {}, \"role\": \"{role}\", \
         \"stage\": \"{stage}\", \"arg_index\": {}, \"dtype\": \"{}\", \"is_contiguous\": {}, \"shape\": {shape:?}, \
         \"raw_shape\": {:?}, \"offsets\": {:?}, \"numel\": {}, \"bin_offset\": {at}, \"bin_size\": {}, \
         \"truncated\": {}, \"overwritten\": {}}}",
        tensor.task_id,
        tensor.lane,
        tensor.func_id,
        tensor.argument,
        kind.map_or("UNKNOWN", DataType::name),
        tensor.contiguous != 0,
        &tensor.raw[..rank],
        &tensor.offsets[..rank],
        shape
            .iter()
            .map(|&extent| u64::from(extent))
            .product::<u64>(),
        tensor.kept,
        is_truncated(tensor),
        is_lost(tensor),
    )
}
