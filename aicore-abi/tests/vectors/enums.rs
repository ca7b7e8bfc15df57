//! `enums.json`: the numbers and enumerations that orchestrations and kernels see.
//!
//! All others are checked in `protocol`, which names this crate where it leaves one out.

use aicore_abi::kernel::{CompletionEngine, CompletionType};
use aicore_abi::orchestration::trb::{ActiveMask, ScopeMode, Shape};
use serde_json::Value;

use crate::support::{int, list, parse, text};

fn file() -> Value {
    parse(include_str!("../../../tests/vectors/enums.json"))
}

#[test]
fn constants() {
    let ours = [
        ("PTO2_SUBTASK_MASK_AIC", ActiveMask::AIC.into()),
        ("PTO2_SUBTASK_MASK_AIV0", ActiveMask::AIV0.into()),
        ("PTO2_SUBTASK_MASK_AIV1", ActiveMask::AIV1.into()),
        (
            "PTO2_SUBTASK_FLAG_SYNC_START",
            ActiveMask::SYNC_START.into(),
        ),
        ("PTO2_NUM_RESOURCE_SHAPES", 3),
        (
            "PTO2_COMPLETION_ENGINE_SDMA",
            CompletionEngine::Sdma as i128,
        ),
        (
            "PTO2_COMPLETION_ENGINE_ROCE",
            CompletionEngine::Roce as i128,
        ),
        (
            "PTO2_COMPLETION_ENGINE_URMA",
            CompletionEngine::Urma as i128,
        ),
        ("PTO2_COMPLETION_ENGINE_CCU", CompletionEngine::Ccu as i128),
        (
            "PTO2_COMPLETION_TYPE_COUNTER",
            CompletionType::Counter as i128,
        ),
        (
            "PTO2_COMPLETION_TYPE_SDMA_EVENT_RECORD",
            CompletionType::SdmaEventRecord as i128,
        ),
    ];
    let file = file();
    for (name, ours) in ours {
        let vector = list(&file["constants"])
            .iter()
            .find(|vector| vector["name"] == name && vector["group"] == "trb")
            .unwrap_or_else(|| panic!("{name} is not in the file"));
        // What one family lacks stands under the other.
        let stated = [&vector["value"], &vector["a2a3"]];
        let stated = stated.into_iter().find(|value| !value.is_null());
        assert_eq!(stated.map(int), Some(ours), "{name}");
    }
    assert_eq!(Shape::ALL.map(|shape| shape as u8), [0, 1, 2]);
}

/// Members of the enumeration with the reference's name.
fn members(name: &str) -> Vec<(&'static str, i128)> {
    match name {
        "PTO2AsyncEngine" => vec![
            ("PTO2_ASYNC_ENGINE_SDMA", CompletionEngine::Sdma as i128),
            ("PTO2_ASYNC_ENGINE_ROCE", CompletionEngine::Roce as i128),
            ("PTO2_ASYNC_ENGINE_URMA", CompletionEngine::Urma as i128),
            ("PTO2_ASYNC_ENGINE_CCU", CompletionEngine::Ccu as i128),
            ("PTO2_NUM_ASYNC_ENGINES", 4),
        ],
        // The other type is a constant of one family only.
        "PTO2CompletionType" => vec![("COUNTER", CompletionType::Counter as i128)],
        "PTO2ScopeMode" => vec![
            ("AUTO", ScopeMode::Auto as i128),
            ("MANUAL", ScopeMode::Manual as i128),
        ],
        "PTO2ResourceShape" => vec![
            ("AIC", Shape::Aic as i128),
            ("AIV", Shape::Aiv as i128),
            ("MIX", Shape::Mix as i128),
        ],
        "PTO2SubtaskSlot" => [
            ("AIC", ActiveMask::AIC),
            ("AIV0", ActiveMask::AIV0),
            ("AIV1", ActiveMask::AIV1),
        ]
        .map(|(name, bit)| (name, bit.trailing_zeros().into()))
        .to_vec(),
        other => panic!("unknown enumeration {other}"),
    }
}

#[test]
fn enumerations() {
    let file = file();
    let names = [
        "PTO2AsyncEngine",
        "PTO2CompletionType",
        "PTO2ScopeMode",
        "PTO2ResourceShape",
        "PTO2SubtaskSlot",
    ];
    for name in names {
        let vector = list(&file["enums"])
            .iter()
            .find(|vector| vector["name"] == name)
            .unwrap_or_else(|| panic!("{name} is not in the file"));
        let stated: Vec<(&str, i128)> = list(&vector["values"])
            .iter()
            .map(|value| (text(&value["name"]), int(&value["value"])))
            .collect();
        assert_eq!(members(name), stated, "{name}");
    }
}

#[test]
fn wire_values_lead_back() {
    for mode in [ScopeMode::Auto, ScopeMode::Manual] {
        assert_eq!(ScopeMode::from_wire(mode as u8), Some(mode));
    }
    assert_eq!(ScopeMode::from_wire(2), None);
    for completion in [CompletionType::Counter, CompletionType::SdmaEventRecord] {
        assert_eq!(
            CompletionType::from_wire(completion as i32),
            Some(completion)
        );
    }
    assert_eq!(CompletionType::from_wire(2), None);
    assert_eq!(CompletionType::from_wire(-1), None);
}
