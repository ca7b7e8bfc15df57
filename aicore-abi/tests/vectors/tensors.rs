//! `trb_tensors.json`: descriptors and what operations make of them.

use aicore_abi::Error;
use aicore_abi::tensor::{BufferHandle, Tensor, TensorCreateInfo};
use bytemuck::Zeroable;
use protocol::{ContinuousTensor, TaskId};
use serde_json::Value;

use crate::support::{
    data_type, flag, hex, int, list, number, numbers, parse, same, same_bytes, same_layout, text,
};

/// Steps whose result the reference accepts and we refuse, or compute differently.
const DIFFERENCES: [(&str, usize); 6] = [
    // Views that reach beyond their parent.
    ("view_outside_parent_is_not_checked", 1),
    ("view_outside_parent_is_not_checked", 2),
    ("view_offset_wraps_32_bits", 1),
    ("view_offset_wraps_32_bits", 2),
    // Reshapes that forget where the view starts.
    ("reshape_of_offset_rows_view_loses_offset", 2),
    ("reshape_of_offset_rows_view_loses_offset", 3),
];

fn file() -> Value {
    parse(include_str!("../../../tests/vectors/trb_tensors.json"))
}

fn perform(step: &Value, results: &[Option<Tensor>]) -> Option<Result<Tensor, Error>> {
    let manual = flag(&step["manual"]);
    let of = || results[number::<usize>(&step["of"])];
    let shapes = || numbers::<u32>(&step["shapes"]);
    let version = || number::<i32>(&step["tensor_version"]);
    Some(match text(&step["op"]) {
        "external" => {
            let dtype = data_type(&step["element"]);
            Tensor::external(number(&step["data"]), &shapes(), dtype, manual, version())
        }
        "from_argument" => {
            let bytes = hex(&step["argument_bytes"]);
            let argument: ContinuousTensor = bytemuck::pod_read_unaligned(&bytes);
            Tensor::from_argument(&argument, manual, version())
        }
        "view" => of()?.view(&shapes(), &numbers::<u32>(&step["offsets"]), manual),
        "reshape" => of()?.reshape(&shapes(), manual),
        "transpose" => of()?.transpose(number(&step["x"]), number(&step["y"]), manual),
        other => panic!("unknown operation {other}"),
    })
}

fn check_step(name: &str, tensor: &Tensor, step: &Value) {
    same_bytes(bytemuck::bytes_of(tensor), step, name);
    assert_eq!(tensor.shape(), numbers::<u32>(&step["shape"]), "{name}");
    assert_eq!(
        tensor.raw_shape(),
        numbers::<u32>(&step["raw_shape"]),
        "{name}"
    );
    assert_eq!(tensor.offset(), numbers::<u32>(&step["offset"]), "{name}");
    assert_eq!(tensor.element_count(), Ok(number(&step["numel"])), "{name}");
    assert_eq!(tensor.is_contiguous(), flag(&step["contiguous"]), "{name}");
    assert_eq!(tensor.data_type(), Ok(data_type(&step["dtype"])), "{name}");

    let stored = &step["stored"];
    let mut slot = Tensor::zeroed();
    let start = tensor.first_element().expect("a valid descriptor");
    tensor.store_into(&mut slot, start);
    same_bytes(bytemuck::bytes_of(&slot), stored, name);
    same(slot.start_offset, &stored["start_offset"]);
    assert_eq!(tensor.start_offset, slot.start_offset, "{name}");
    assert_eq!(
        slot.element_address(),
        Ok(number(&stored["element_address"])),
        "{name}"
    );
}

#[test]
fn sequences() {
    let file = file();
    let (mut steps, mut differing, mut outside) = (0, 0, 0);
    for sequence in list(&file["sequences"]) {
        let name = text(&sequence["name"]);
        let mut results = Vec::new();
        for step in list(&sequence["steps"]) {
            steps += 1;
            let place = number(&step["result"]);
            let outcome = perform(step, &results);
            results.resize(place + 1, None);
            if !step["error"].is_null() {
                assert!(matches!(outcome, Some(Err(_))), "{name}: not refused");
                continue;
            }
            if DIFFERENCES.contains(&(name, place)) {
                differing += 1;
                match outcome {
                    // The parent of the second wrapping view was refused as well.
                    None | Some(Err(Error::ViewOutsideParent { .. })) => {}
                    Some(Ok(kept)) => assert_eq!(kept.start_offset, 16, "{name}"),
                    Some(Err(other)) => panic!("{name}: {other}"),
                }
                continue;
            }
            let tensor = match outcome.expect("the parent exists") {
                Ok(tensor) => tensor,
                // The vectors' one other reshape of an offset view keeps its start too.
                Err(error) => panic!("{name}: {error}"),
            };
            if name == "reshape_one_dimensional_view_is_contiguous" && place == 2 {
                differing += 1;
                assert_eq!(tensor.start_offset, 8);
                assert_eq!(tensor.offset(), [2, 0]);
                results[place] = Some(tensor);
                continue;
            }
            check_step(name, &tensor, step);
            for flat in list(&step["flat_index"]) {
                let index = numbers::<u32>(&flat["index"]);
                if index.iter().zip(tensor.shape()).any(|(at, end)| at >= end) {
                    // The reference computes positions of elements that do not exist.
                    outside += 1;
                    assert!(matches!(
                        tensor.flat_index(&index),
                        Err(Error::IndexOutsideTensor { .. })
                    ));
                } else {
                    assert_eq!(tensor.flat_index(&index), Ok(number(&flat["flat"])));
                }
            }
            results[place] = Some(tensor);
        }
    }
    assert_eq!((steps, differing, outside), (141, 7, 8));
}

#[test]
fn create_infos() {
    let file = file();
    let vectors = list(&file["create_infos"]);
    for vector in vectors {
        let name = text(&vector["name"]);
        let shape = numbers::<u32>(&vector["shapes"]);
        let dtype = data_type(&vector["dtype"]);
        let mut info =
            TensorCreateInfo::new(&shape, dtype, flag(&vector["manual"])).expect("a valid shape");
        if flag(&vector["has_initial_value"]) {
            info = info.with_initial_value(number(&vector["initial_bits"]));
        }
        same_bytes(bytemuck::bytes_of(&info), vector, name);
        assert_eq!(info.byte_size(), Ok(number(&vector["buffer_size"])));
        assert_eq!(info.packed_size(), Ok(number(&vector["packed_size"])));
        if !vector["materialised"].is_null() {
            check_materialised(name, &info, &vector["materialised"]);
        }
    }
    assert_eq!(vectors.len(), 20);
}

fn check_materialised(name: &str, info: &TensorCreateInfo, vector: &Value) {
    let buffer = BufferHandle {
        addr: number(&vector["at"]),
        size: number(&vector["size"]),
    };
    let owner = TaskId::from_raw(number(&vector["owner"]));
    let mut slot = Tensor::zeroed();
    info.materialise_into(&mut slot, buffer, owner);
    same_bytes(bytemuck::bytes_of(&slot), vector, name);
    assert_eq!(slot.element_count(), Ok(number(&vector["numel"])), "{name}");
    assert_eq!(slot.is_contiguous(), flag(&vector["contiguous"]), "{name}");
    assert_eq!(slot.first_element(), Ok(number(&vector["start_offset"])));

    let mut memory = vec![0xa5; number(&vector["size"])];
    info.fill(&mut memory).expect("a known element type");
    if info.has_initial_value == 0 {
        assert!(memory.iter().all(|&byte| byte == 0xa5), "{name}: untouched");
        return;
    }
    assert!(flag(&vector["whole_buffer_filled"]), "{name}");
    let start = hex(&vector["buffer_first_64_bytes"]);
    for piece in memory.chunks(start.len()) {
        assert_eq!(piece, &start[..piece.len()], "{name}: repeated to the end");
    }
}

#[test]
fn layouts() {
    let layout = &file()["layout"];
    let names = [("buffer_addr", "buffer")];
    let mut tensor = layout["Tensor"].clone();
    let members = tensor.as_object_mut().expect("a layout");
    let size = members.remove("buffer_size").expect("stated");
    assert_eq!(int(&size), 8);
    same_layout::<Tensor>(&tensor, &names);
    same_layout::<TensorCreateInfo>(&layout["TensorCreateInfo"], &[]);
    assert_eq!(layout.as_object().map(serde_json::Map::len), Some(2));
}
