//! `comm.json`: contexts, segment heads and segment names.

use bytemuck::Zeroable;
use protocol::comm::{
    CommContext, SimSegmentHeader, sim_segment_name, sim_window_offset, string_hash,
};
use protocol::layout::Pinned;
use protocol::limits::COMM_MAX_RANKS;
use serde_json::Value;

use crate::{hex, list, number, same, text};

fn file() -> Value {
    let text = include_str!("../../../tests/vectors/comm.json");
    serde_json::from_str(text).expect("vector files are JSON")
}

fn windows(value: &Value) -> [u64; COMM_MAX_RANKS] {
    let mut windows = [0; COMM_MAX_RANKS];
    for (window, address) in windows.iter_mut().zip(list(value)) {
        *window = number(address);
    }
    windows
}

#[test]
fn contexts() {
    let file = file();
    let vectors = list(&file["contexts"]);
    for vector in vectors {
        let context = CommContext {
            work_space: number(&vector["workSpace"]),
            work_space_size: number(&vector["workSpaceSize"]),
            rank_id: number(&vector["rankId"]),
            rank_num: number(&vector["rankNum"]),
            win_size: number(&vector["winSize"]),
            windows_in: windows(&vector["windowsIn"]),
            windows_out: windows(&vector["windowsOut"]),
        };
        assert_eq!(bytemuck::bytes_of(&context), hex(&vector["bytes"]));
    }
    assert_eq!(vectors.len(), 5);
}

#[test]
fn segment_names() {
    let file = file();
    let vectors = list(&file["segment_names"]);
    for vector in vectors {
        let path = text(&vector["rootinfo_path"]).as_bytes();
        let hash = string_hash(path);
        same(hash, &vector["string_hash"]);
        same(hash & 0xffff_ffff ^ hash >> 32, &vector["folded_hash"]);
        let name = sim_segment_name(number(&vector["parent_pid"]), path);
        assert_eq!(name, text(&vector["segment_name"]).as_bytes());
    }
    assert_eq!(vectors.len(), 18);
}

/// The head that a session's words describe.
fn header(words: &Value) -> SimSegmentHeader {
    SimSegmentHeader {
        nranks: number(&words["nranks"]),
        alloc_done: number(&words["alloc_done"]),
        ready_count: number(&words["ready_count"]),
        barrier_count: number(&words["barrier_count"]),
        barrier_phase: number(&words["barrier_phase"]),
        destroy_count: number(&words["destroy_count"]),
        per_rank_win_size: number(&words["per_rank_win_size"]),
        ..SimSegmentHeader::zeroed()
    }
}

#[test]
fn sessions() {
    let file = file();
    let (mut heads, mut ranks) = (0, 0);
    for session in list(&file["sim_sessions"]) {
        let rank_num: u32 = number(&session["ranks"]);
        let win_size: u64 = number(&session["win_size"]);
        let end = sim_window_offset(rank_num, win_size).expect("small");
        same(end, &session["segment_size"]);
        for (rank, offset) in (0..).zip(list(&session["window_offsets"])) {
            same(sim_window_offset(rank, win_size).expect("small"), offset);
        }
        for key in [
            "header_after_alloc",
            "header_after_first_barrier",
            "header_after_second_barrier",
        ] {
            let bytes = hex(&session[key]["bytes"]);
            let ours = header(&session[key]);
            assert_eq!(bytemuck::bytes_of(&ours)[..bytes.len()], bytes, "{key}");
            heads += 1;
        }
        for vector in list(&session["per_rank"]) {
            let mapped: u64 = number(&vector["segment_mapped_at"]);
            let rank = number(&vector["rank"]);
            let first = mapped + sim_window_offset(0, win_size).expect("small");
            let ours = CommContext::of_segment(rank, rank_num, win_size, first).expect("they fit");
            same(ours.windows_in[rank as usize], &vector["local_window_base"]);
            same(ours.win_size, &vector["window_size"]);
            assert_eq!(
                bytemuck::bytes_of(&ours),
                hex(&vector["context"]["bytes"]),
                "rank {rank} of {rank_num}"
            );
            ranks += 1;
        }
    }
    assert_eq!((heads, ranks), (9, 6));
}

#[test]
fn ranks_outside_the_communicator_have_no_context() {
    let file = file();
    let rules = list(&file["init_rules"]);
    for rule in rules {
        let fits = match (
            u32::try_from(rule_int(rule, "rank")),
            u32::try_from(rule_int(rule, "nranks")),
        ) {
            (Ok(rank), Ok(ranks)) => CommContext::of_segment(rank, ranks, 4096, 0).is_some(),
            _ => false,
        };
        // A missing path is refused where the path is looked at.
        let expected = rule["handle"] == true || rule["path"].is_null();
        assert_eq!(fits, expected, "{}", text(&rule["name"]));
    }
    assert_eq!(rules.len(), 8);
}

fn rule_int(rule: &Value, key: &str) -> i64 {
    number(&rule[key])
}

#[test]
fn layouts() {
    let layout = &file()["layout"];
    let names = [
        ("workSpace", "work_space"),
        ("workSpaceSize", "work_space_size"),
        ("rankId", "rank_id"),
        ("rankNum", "rank_num"),
        ("winSize", "win_size"),
        ("windowsIn", "windows_in"),
        ("windowsOut", "windows_out"),
    ];
    let context = &layout["CommContext"];
    same(CommContext::LAYOUT.size, &context["size"]);
    same(CommContext::LAYOUT.align, &context["align"]);
    same(COMM_MAX_RANKS, &context["max_ranks"]);
    for (field, (theirs, ours)) in CommContext::LAYOUT.fields.iter().zip(names) {
        assert_eq!(field.name, ours);
        same(field.offset, &context[theirs]);
    }
    let segment = &layout["sim_segment"];
    same(SimSegmentHeader::LAYOUT.size, &segment["header_size"]);
    for field in SimSegmentHeader::LAYOUT.fields {
        if field.name != "reserved" {
            same(field.offset, &segment[field.name]);
        }
    }
    same(sim_segment_name(1, b"").len(), &segment["name_length"]);
}
