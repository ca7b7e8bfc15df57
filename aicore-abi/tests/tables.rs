//! Every struct table of the interface specification, as data, against the pinned layouts.
//!
//! A record that nobody defined, or that was defined with another size, alignment or field place
//! than the reference has, shows up here: the rows were transcribed from the specification and know
//! nothing of the types.

use protocol::layout::Layout;

/// One table: the reference's name, our record, its size and alignment, and where its fields lie
/// (offset and bytes of each).
struct Table(
    &'static str,
    Record,
    usize,
    usize,
    &'static [(usize, usize)],
);

/// How a record of ours is found among the layouts.
enum Record {
    /// By its name.
    Named(&'static str),
    /// By its name among several records with that name: which one, by size.
    Sized(&'static str),
}

use Record::{Named, Sized};

#[rustfmt::skip] // One table per line.
const TABLES: &[Table] = &[
    Table("ContinuousTensor", Named("ContinuousTensor"), 40, 8, &[(0, 8), (8, 20), (28, 4), (32, 1), (33, 1)]),
    Table("ChipStorageTaskArgs", Named("ChipStorageTaskArgs"), 3592, 8, &[(0, 2560), (2560, 1024), (3584, 4), (3588, 4)]),
    Table("CoreCallable", Named("CoreCallableHeader"), 80, 8, &[(0, 64), (64, 4), (68, 4), (72, 8)]),
    Table("ChipCallable", Named("ChipCallableHeader"), 8596, 4, &[(0, 256), (256, 4), (260, 4), (264, 64), (328, 4), (332, 4096), (4428, 4096), (8524, 4), (8528, 64), (8592, 4)]),
    Table("CallConfig", Named("CallConfig"), 1044, 1, &[(0, 4), (4, 4), (8, 4), (12, 4), (16, 4), (20, 1024)]),
    Table("PTO2Runtime", Named("Runtime"), 16, 8, &[(0, 8), (8, 1)]),
    Table("PTO2RuntimeOps", Sized("Operations"), 104, 8, &[(0, 8), (8, 8), (16, 8), (24, 8), (32, 8), (40, 8), (48, 8), (56, 8), (64, 8), (72, 8), (80, 8), (88, 8), (96, 8)]),
    Table("MixedKernels", Named("MixedKernels"), 12, 4, &[(0, 4), (4, 4), (8, 4)]),
    Table("PTO2LaunchSpec", Named("LaunchSpec"), 4, 2, &[(0, 2), (2, 1)]),
    Table("Arg", Named("Arg"), 616, 8, &[(0, 64), (64, 128), (192, 256), (448, 4), (452, 4), (456, 1), (464, 8), (472, 4), (480, 136)]),
    Table("Tensor", Named("Tensor"), 128, 64, &[(0, 16), (16, 8), (24, 8), (32, 4), (36, 4), (40, 1), (41, 1), (42, 1), (43, 1), (44, 20), (64, 20), (84, 20), (104, 24)]),
    Table("TensorCreateInfo", Named("TensorCreateInfo"), 64, 64, &[(0, 8), (8, 1), (9, 7), (16, 8), (24, 8), (32, 4), (36, 4), (40, 1), (41, 1), (42, 1), (43, 1), (44, 20)]),
    Table("TaskOutputTensors", Named("TaskOutputTensors"), 144, 8, &[(0, 8), (8, 4), (16, 128)]),
    Table("OrchestrationRuntime", Named("OrchestrationRuntime"), 8, 8, &[(0, 8)]),
    Table("OrchestrationRuntimeOps", Sized("Operations"), 72, 8, &[(0, 8), (8, 8), (16, 8), (24, 8), (32, 8), (40, 8), (48, 8), (56, 8), (64, 8)]),
    Table("TensorInfo", Named("TensorInfo"), 64, 4, &[(0, 1), (1, 1), (2, 2), (4, 20), (24, 20), (44, 20)]),
    Table("TensorAllocationInfo", Named("TensorAllocationInfo"), 16, 8, &[(0, 8), (8, 8)]),
    Table("LocalContext", Named("LocalContext"), 48, 8, &[(0, 4), (4, 4), (8, 40)]),
    Table("AsyncCtx", Named("AsyncCtx"), 40, 8, &[(0, 8), (8, 8), (16, 8), (24, 4), (32, 8)]),
    Table("GlobalContext", Named("GlobalContext"), 4, 4, &[(0, 4)]),
    Table("PTO2DeferredCompletionEntry", Named("DeferredCondition"), 24, 8, &[(0, 8), (8, 4), (12, 4), (16, 4), (20, 4)]),
    Table("PTO2DeferredCompletionIngressBuffer", Named("DeferredIngressBuffer"), 1600, 64, &[(0, 4), (4, 4), (8, 1536)]),
    Table("KernelArgs a2a3", Named("KernelArgsA2a3"), 128, 8, &[(0, 40), (40, 8), (48, 8), (56, 8), (64, 8), (72, 8), (80, 8), (88, 8), (96, 8), (104, 8), (112, 4), (116, 4), (120, 4), (124, 4)]),
    Table("KernelArgs a5", Named("KernelArgsA5"), 96, 8, &[(0, 40), (40, 8), (48, 8), (56, 8), (64, 8), (72, 8), (80, 8), (88, 4), (92, 4)]),
    Table("Handshake a2a3", Named("HandshakeA2a3"), 64, 64, &[(0, 4), (4, 4), (8, 8), (16, 4), (20, 4), (24, 4), (28, 4)]),
    Table("Handshake a5", Named("HandshakeA5"), 64, 64, &[(0, 4), (4, 4), (8, 8), (16, 4), (24, 8), (32, 4), (36, 4), (40, 4), (44, 4), (48, 8), (56, 8)]),
    Table("Runtime a2a3", Named("TrbRunDescriptorA2a3"), 22400, 64, &[(0, 4608), (4608, 4), (4612, 4), (4616, 4), (4624, 8), (4632, 8), (4640, 8), (4648, 8192), (12840, 1), (12848, 1536), (14384, 4), (14388, 4096), (18484, 4), (18488, 1), (18496, 8), (18504, 8), (18512, 8), (18520, 3592), (22112, 8), (22120, 8), (22128, 4), (22132, 1), (22133, 64), (22197, 64), (22264, 48), (22312, 8), (22320, 8), (22328, 8), (22336, 8)]),
    Table("Runtime a5", Named("TrbRunDescriptorA5"), 24704, 64, &[(0, 6912), (6912, 4), (6916, 4), (6920, 4), (6928, 8), (6936, 8), (6944, 8), (6952, 8192), (15144, 1), (15152, 1536), (16688, 4), (16692, 4096), (20788, 4), (20792, 1), (20800, 8), (20808, 8), (20816, 8), (20824, 3592), (24416, 8), (24424, 8), (24432, 4), (24436, 1), (24437, 64), (24501, 64), (24568, 48), (24616, 8), (24624, 8), (24632, 8), (24640, 8)]),
    Table("Runtime a2a3", Named("HbgRunDescriptorA2a3"), 92555584, 64, &[(0, 4608), (4608, 4), (4612, 4), (4616, 91226112), (91230728, 4), (91230732, 524288), (91755020, 4), (91755024, 1536), (91756560, 4), (91756568, 8192), (91764760, 4096), (91768856, 4), (91768864, 8), (91768872, 8), (91768880, 524288), (92293168, 262144), (92555312, 8), (92555320, 8), (92555328, 4), (92555336, 48), (92555384, 8), (92555392, 8), (92555400, 4), (92555404, 1), (92555408, 8), (92555416, 8), (92555424, 8), (92555432, 8), (92555440, 64), (92555504, 64)]),
    Table("Runtime a5", Named("HbgRunDescriptorA5"), 92557888, 64, &[(0, 6912), (6912, 4), (6916, 4), (6920, 91226112), (91233032, 4), (91233036, 524288), (91757324, 4), (91757328, 1536), (91758864, 4), (91758872, 8192), (91767064, 4096), (91771160, 4), (91771168, 8), (91771176, 8), (91771184, 524288), (92295472, 262144), (92557616, 8), (92557624, 8), (92557632, 4), (92557640, 48), (92557688, 8), (92557696, 8), (92557704, 4), (92557708, 1), (92557712, 8), (92557720, 8), (92557728, 8), (92557736, 8), (92557744, 64), (92557808, 64)]),
    Table("Task", Named("Task"), 696, 8, &[(0, 4), (4, 4), (8, 128), (136, 4), (144, 8), (152, 4), (156, 4), (160, 512), (672, 4), (680, 8), (688, 8)]),
    Table("TensorPair", Named("TensorPair"), 24, 8, &[(0, 8), (8, 8), (16, 8)]),
    Table("HostApi", Named("HostApi"), 48, 8, &[(0, 8), (8, 8), (16, 8), (24, 8), (32, 8), (40, 8)]),
    Table("PTO2DispatchPayload", Named("DispatchPayload"), 512, 64, &[(0, 8), (8, 400), (408, 48), (456, 4), (460, 8)]),
    Table("PTO2SharedMemoryHeader", Named("SharedMemoryHeader"), 832, 64, &[(0, 768), (768, 4), (776, 8), (784, 8), (792, 8), (800, 4), (804, 4), (808, 4), (812, 4)]),
    Table("PTO2SharedMemoryRingHeader", Named("RingHeader"), 192, 64, &[(0, 128), (128, 8), (136, 4), (144, 8), (152, 8), (160, 8), (168, 8), (176, 8)]),
    Table("PTO2RingFlowControl", Named("RingFlowControl"), 128, 64, &[(0, 4), (64, 4)]),
    Table("PTO2TaskDescriptor", Named("TaskDescriptor"), 40, 8, &[(0, 8), (8, 12), (24, 8), (32, 8)]),
    Table("PTO2TaskPayload", Named("TaskPayload"), 2880, 64, &[(0, 4), (4, 4), (8, 4), (12, 4), (16, 8), (24, 512), (576, 2048), (2624, 256)]),
    Table("PTO2TaskSlotState", Named("TaskSlotState"), 64, 64, &[(0, 4), (4, 4), (8, 8), (16, 4), (20, 4), (24, 4), (28, 4), (32, 8), (40, 8), (48, 1), (49, 1), (52, 4), (56, 2), (58, 2), (60, 2), (62, 2)]),
    Table("PTO2CompletionIngressQueue", Named("CompletionIngressQueue"), 262272, 64, &[(0, 8), (64, 8), (128, 262144)]),
    Table("PTO2CompletionIngressEntry", Named("CompletionIngressEntry"), 64, 8, &[(0, 8), (8, 8), (16, 8), (24, 4), (28, 4), (32, 4)]),
    Table("L2PerfRecord", Named("L2PerfRecord"), 1088, 64, &[(0, 8), (8, 8), (16, 8), (24, 8), (32, 8), (40, 8), (48, 4), (52, 4), (56, 1024), (1080, 4)]),
    Table("L2PerfBuffer a2a3", Named("L2PerfBufferA2a3"), 1088064, 64, &[(0, 1088000), (1088000, 4)]),
    Table("L2PerfBuffer a5", Named("L2PerfBufferA5"), 1090240, 64, &[(0, 2176), (2176, 1088000), (1090176, 4)]),
    Table("L2PerfFreeQueue", Named("FreeQueue"), 128, 64, &[(0, 32), (32, 4), (36, 4)]),
    Table("L2PerfBufferState a2a3", Named("L2PerfBufferStateA2a3"), 192, 64, &[(0, 128), (128, 8), (136, 8), (144, 4), (148, 4), (152, 4), (156, 4)]),
    Table("L2PerfBufferState a5", Named("L2PerfBufferStateA5"), 192, 64, &[(0, 128), (128, 8), (136, 4)]),
    Table("ReadyQueueEntry", Named("ReadyQueueEntry"), 32, 32, &[(0, 4), (4, 4), (8, 8), (16, 4)]),
    Table("L2PerfDataHeader a2a3", Named("L2PerfDataHeaderA2a3"), 81984, 64, &[(0, 81920), (81920, 16), (81936, 16), (81952, 4)]),
    Table("L2PerfDataHeader a5", Named("L2PerfDataHeaderA5"), 218688, 64, &[(0, 218624), (218624, 28), (218652, 28), (218680, 4), (218684, 4)]),
    Table("AicpuPhaseRecord", Named("AicpuPhaseRecord"), 32, 8, &[(0, 8), (8, 8), (16, 4), (20, 4), (24, 8)]),
    Table("AicpuOrchSummary", Named("AicpuOrchSummary"), 128, 64, &[(80, 8), (88, 4)]),
    Table("AicpuPhaseHeader a2a3", Named("AicpuPhaseHeaderA2a3"), 256, 64, &[(0, 4), (4, 4), (8, 4), (12, 4), (16, 72), (128, 128)]),
    Table("AicpuPhaseHeader a5", Named("AicpuPhaseHeaderA5"), 256, 64, &[(0, 4), (4, 4), (8, 4), (12, 4), (16, 108), (128, 128)]),
    Table("PhaseBuffer a2a3", Named("PhaseBufferA2a3"), 524352, 64, &[(524288, 4)]),
    Table("PhaseBuffer a5", Named("PhaseBufferA5"), 16000064, 64, &[(16000000, 4)]),
    Table("TensorDumpRecord", Named("TensorDumpRecord"), 128, 64, &[(0, 8), (8, 1), (9, 1), (10, 1), (11, 1), (12, 4), (16, 4), (20, 1), (21, 1), (22, 1), (24, 8), (32, 8), (64, 20), (84, 20), (104, 20)]),
    Table("DumpMetaBuffer", Named("DumpMetaBuffer"), 32832, 64, &[(32768, 4)]),
    Table("DumpFreeQueue", Named("FreeQueue"), 128, 64, &[(32, 4), (36, 4)]),
    Table("DumpBufferState", Named("DumpBufferState"), 256, 64, &[(0, 128), (128, 8), (136, 4), (144, 8), (152, 8), (160, 8), (168, 4)]),
    Table("DumpDataHeader a2a3", Named("DumpDataHeaderA2a3"), 8256, 64, &[(0, 8192), (8192, 16), (8208, 16), (8224, 4), (8228, 4), (8232, 8), (8240, 4)]),
    Table("DumpDataHeader a5", Named("DumpDataHeaderA5"), 25216, 64, &[(0, 25088), (25088, 28), (25116, 28), (25144, 4), (25148, 4), (25152, 8), (25160, 4)]),
    Table("PmuRecord a2a3", Named("PmuRecordA2a3"), 64, 64, &[(0, 8), (8, 4), (12, 4), (16, 8), (24, 32)]),
    Table("PmuRecord a5", Named("PmuRecordA5"), 64, 64, &[(0, 8), (8, 4), (12, 4), (16, 8), (24, 40)]),
    Table("PmuBuffer a2a3", Named("PmuBufferA2a3"), 32832, 64, &[(0, 32768), (32768, 4)]),
    Table("PmuBuffer a5", Named("PmuBufferA5"), 32960, 64, &[(192, 32768), (0, 4), (64, 128)]),
    Table("PmuFreeQueue", Named("FreeQueue"), 128, 64, &[(32, 4), (36, 4)]),
    Table("PmuBufferState", Named("PmuBufferState"), 192, 64, &[(128, 8), (136, 4), (140, 4), (144, 4)]),
    Table("PmuDataHeader a2a3", Named("PmuDataHeaderA2a3"), 36928, 64, &[(0, 36864), (36864, 16), (36880, 16), (36896, 4), (36900, 4)]),
    Table("PmuDataHeader a5", Named("PmuDataHeaderA5"), 96896, 64, &[(0, 96768), (96768, 28), (96796, 28), (96824, 4), (96828, 4)]),
    Table("CommContext", Named("CommContext"), 1056, 8, &[(0, 8), (8, 8), (16, 4), (20, 4), (24, 8), (32, 512), (544, 512)]),
    Table("DeviceArgs", Named("DeviceArgs"), 112, 8, &[(0, 96), (96, 8), (104, 8)]),
    Table("launch argument block a2a3", Named("AicpuLaunchA2a3"), 224, 8, &[(0, 128), (128, 32), (160, 32), (192, 32)]),
    Table("launch argument block a5", Named("AicpuLaunchA5"), 192, 8, &[(0, 96), (96, 32), (128, 32), (160, 32)]),
    Table("PTO2OrchestrationConfig", Named("OrchestrationConfig"), 4, 4, &[(0, 4)]),
    Table("PTOBufferHandle", Named("BufferHandle"), 16, 8, &[(0, 8), (8, 8)]),
    Table("SDMA event record", Named("SdmaEventRecord"), 16, 8, &[(0, 4), (4, 4), (8, 8)]),
    Table("segment header", Named("SimSegmentHeader"), 4096, 8, &[(0, 4), (4, 4), (8, 4), (12, 4), (16, 4), (20, 4), (24, 8)]),
    Table("L2PerfAicoreRing", Named("L2PerfAicoreRing"), 2176, 64, &[(0, 2176)]),
    Table("worker mailbox", Named("MailboxFrame"), 4096, 8, &[(0, 4), (4, 4), (8, 8), (16, 1044), (1064, 2776), (3840, 256)]),
    Table("bootstrap mailbox", Named("BootstrapFrame"), 4096, 8, &[(0, 4), (4, 4), (8, 4), (16, 8), (24, 8), (32, 8), (64, 3008), (3072, 1024)]),
];

/// Records of ours that no table of the specification shows.
const WITHOUT_TABLE: &[&str] = &[
    "CallRecord",
    "ControlWords",
    "EdgeRecord",
    "ExplicitDeps",
    "HbgBody",
    "Holdings",
    "PhaseRecord",
    "RecordingHead",
    "RunRecord",
    "RunSettings",
    "SectionCursor",
    "SectionPlace",
    "TensorRecord",
    "TrbBody",
    "WriterState",
];

fn layouts() -> impl Iterator<Item = &'static Layout> {
    protocol::ALL_LAYOUTS.iter().chain(aicore_abi::ALL_LAYOUTS)
}

/// The layout a table describes.
fn find(table: &Table) -> &'static Layout {
    let Table(spec_name, record, size, ..) = table;
    let mut found = layouts().filter(|layout| match record {
        Named(name) => layout.name == *name,
        Sized(name) => layout.name == *name && layout.size == *size,
    });
    let layout = found
        .next()
        .unwrap_or_else(|| panic!("no record of ours for {spec_name}"));
    assert!(found.next().is_none(), "{spec_name}: more than one record");
    layout
}

/// Every field of a record as offset and size; those of a run descriptor's body from its start.
fn fields(layout: &Layout) -> Vec<(usize, usize)> {
    let mut fields = Vec::new();
    for field in layout.fields {
        fields.push((field.offset, field.size));
        let body = match (field.name, layout.name) {
            ("body", name) if name.starts_with("Trb") => "TrbBody",
            ("body", name) if name.starts_with("Hbg") => "HbgBody",
            _ => continue,
        };
        let body = layouts()
            .find(|layout| layout.name == body)
            .expect("bodies are listed");
        for inner in body.fields {
            fields.push((field.offset + inner.offset, inner.size));
        }
    }
    fields
}

#[test]
fn every_table_has_its_record() {
    for table in TABLES {
        let Table(spec_name, _, size, align, places) = table;
        let layout = find(table);
        assert_eq!((layout.size, layout.align), (*size, *align), "{spec_name}");
        let fields = fields(layout);
        for place in *places {
            assert!(fields.contains(place), "{spec_name}: no field at {place:?}");
        }
    }
    assert_eq!(TABLES.len(), 82);
}

#[test]
fn every_record_has_its_table() {
    for layout in layouts() {
        let described = TABLES.iter().any(|table| find(table) == layout);
        assert!(
            described != WITHOUT_TABLE.contains(&layout.name),
            "{}: described {described}",
            layout.name
        );
    }
}

#[test]
fn the_digest_depends_on_both_crates() {
    assert_ne!(aicore_abi::ABI_DIGEST, protocol::PROTOCOL_DIGEST);
    assert_ne!(
        aicore_abi::ABI_DIGEST,
        protocol::layout::digest_of(aicore_abi::ALL_LAYOUTS)
    );
}
