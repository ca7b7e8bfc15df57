//! `registers.json`: numbers, offsets, special values, run status.

use protocol::error_code::run_status;
use protocol::registers::{
    AICORE_CORE_ID_MASK, AICORE_EXIT_SIGNAL, AICORE_EXIT_TASK_ID, AICORE_EXITED_VALUE,
    AICORE_IDLE_TASK_ID, AICORE_IDLE_VALUE, AICPU_IDLE_TASK_ID, AICPU_TASK_INVALID, Register,
    TASK_ACK_STATE, TASK_FIN_STATE, TASK_ID_MASK, TASK_STATE_MASK,
};
use protocol::{A2a3, A5, Arch};
use serde_json::Value;

use crate::{int, list, number, same, text};

fn file() -> Value {
    let text = include_str!("../../../tests/vectors/registers.json");
    serde_json::from_str(text).expect("vector files are JSON")
}

/// The register with the reference's name.
fn register(name: &str) -> Register {
    let numbered = |prefix: &str, suffix: &str| {
        let digits = name.strip_prefix(prefix)?.strip_suffix(suffix)?;
        digits.parse::<u8>().ok()
    };
    match name {
        "DATA_MAIN_BASE" => Register::DataMainBase,
        "COND" => Register::Cond,
        "FAST_PATH_ENABLE" => Register::FastPathEnable,
        "CTRL" => Register::Ctrl,
        "PMU_CTRL_0" => Register::PmuCtrl0,
        "PMU_CTRL_1" => Register::PmuCtrl1,
        _ => [
            numbered("PMU_CNT_TOTAL", "").map(Register::PmuTotal),
            numbered("PMU_START_CYC", "").map(Register::PmuStart),
            numbered("PMU_STOP_CYC", "").map(Register::PmuStop),
            numbered("PMU_CNT", "_IDX").map(Register::PmuSelector),
            numbered("PMU_CNT", "").map(Register::PmuCounter),
        ]
        .into_iter()
        .flatten()
        .next()
        .unwrap_or_else(|| panic!("unknown register {name}")),
    }
}

fn check_registers<A: Arch>(vectors: &[Value]) {
    for vector in vectors {
        let register = register(text(&vector["name"]));
        let offset = register.offset::<A>().expect("the family has it");
        same(offset, &vector["offset"]);
        same(register.id::<A>().expect("it has an id"), &vector["id"]);
        let place = A::sim_register_place(offset).expect("it exists in simulation");
        same(place, &vector["sim_block_offset"]);
    }
    assert_eq!(Register::all::<A>().count(), vectors.len());
}

#[test]
fn registers() {
    let file = file();
    let (a2a3, a5) = (&file["registers"]["a2a3"], &file["registers"]["a5"]);
    check_registers::<A2a3>(list(a2a3));
    check_registers::<A5>(list(a5));
    assert_eq!((list(a2a3).len(), list(a5).len()), (27, 31));
    assert_eq!(Register::FastPathEnable.id::<A5>(), None);
    assert_eq!(Register::PmuCtrl1.id::<A2a3>(), None);
    same(A2a3::SIM_REGISTER_BLOCK, &file["sim_block_size"]["a2a3"]);
    same(A5::SIM_REGISTER_BLOCK, &file["sim_block_size"]["a5"]);
    same(
        A2a3::PHYSICAL_ID_BOUND,
        &file["physical_core_limit"]["a2a3"],
    );
    same(A5::PHYSICAL_ID_BOUND, &file["physical_core_limit"]["a5"]);
}

fn check_special<A: Arch>(vectors: &Value) -> usize {
    let members = vectors.as_object().expect("named values");
    for (name, value) in members {
        let ours = match name.as_str() {
            "aicore_exit_signal" => AICORE_EXIT_SIGNAL.into(),
            "aicore_idle_task_id" => AICORE_IDLE_TASK_ID.into(),
            "aicore_exit_task_id" => AICORE_EXIT_TASK_ID.into(),
            "aicpu_idle_task_id" => AICPU_IDLE_TASK_ID.into(),
            "aicore_idle_value" => AICORE_IDLE_VALUE.into(),
            "aicore_exited_value" => AICORE_EXITED_VALUE.into(),
            "aicpu_task_invalid" => AICPU_TASK_INVALID.into(),
            "task_ack_state" => TASK_ACK_STATE.into(),
            "task_fin_state" => TASK_FIN_STATE.into(),
            "task_id_mask" => TASK_ID_MASK.into(),
            "task_state_mask" => TASK_STATE_MASK.into(),
            "core_id_mask" => AICORE_CORE_ID_MASK.into(),
            "fast_path_open" => A::FAST_PATH.expect("stated").open.into(),
            "fast_path_close" => A::FAST_PATH.expect("stated").close.into(),
            other => panic!("unknown value {other}"),
        };
        assert_eq!(int(value), ours, "{name}");
    }
    members.len()
}

#[test]
fn special_values() {
    let values = &file()["special_values"];
    assert_eq!(check_special::<A2a3>(&values["a2a3"]), 14);
    assert_eq!(check_special::<A5>(&values["a5"]), 12);
}

/// A 32-bit access touches the four bytes at the register's place and drops the upper half.
fn check_access<A: Arch>(vectors: &[Value]) {
    for vector in vectors {
        let offset = register(text(&vector["register"])).offset::<A>();
        let place = offset.and_then(A::sim_register_place).expect("it exists");
        same(place, &vector["touched_from"]);
        same(place + 4, &vector["touched_to"]);
        assert_eq!(int(&vector["written"]) & 0xffff_ffff, int(&vector["read"]));
    }
}

#[test]
fn register_access() {
    let access = &file()["register_access"];
    check_access::<A2a3>(list(&access["a2a3"]));
    check_access::<A5>(list(&access["a5"]));
    assert_eq!(list(&access["a2a3"]).len() + list(&access["a5"]).len(), 20);
}

#[test]
fn simulated_pages() {
    let file = file();
    let vectors = list(&file["sim_page_rule"]["a5"]);
    let mut holes = 0;
    for vector in vectors {
        match A5::sim_register_place(number(&vector["register_offset"])) {
            Some(place) => same(place, &vector["block_offset"]),
            // The reference lets offsets between pages run into the next page; we have nothing there.
            None => holes += 1,
        }
    }
    assert_eq!((vectors.len(), holes), (14, 4));
}

#[test]
fn run_status_from_error_codes() {
    let file = file();
    let vectors = list(&file["status_from_error_codes"]);
    for vector in vectors {
        let status = run_status(
            number(&vector["orchestrator"]),
            number(&vector["scheduler"]),
        );
        same(status, &vector["status"]);
    }
    assert_eq!(vectors.len(), 9);
}
