//! What the performance counters can count.
//!
//! Knows, per family and set, the event programmed into each counter and the name of its column.
//! Refuses to know how often anything happens.

use super::pmu::PmuEventSet;

/// One event, as one counter counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PmuEvent {
    /// Number programmed into the selector, 0 for an unused counter.
    pub event: u32,
    /// Name of its column, empty for an unused counter.
    pub counter: &'static str,
}

/// The events of one set, in the order of counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PmuEvents {
    /// The set.
    pub set: PmuEventSet,
    /// One per counter.
    pub counters: &'static [PmuEvent],
}

const fn on(event: u32, counter: &'static str) -> PmuEvent {
    PmuEvent { event, counter }
}

const OFF: PmuEvent = on(0, "");

/// Events of [`A2a3`](crate::A2a3).
pub(crate) const A2A3: &[PmuEvents] = &[
    PmuEvents {
        set: PmuEventSet::ArithmeticUtilization,
        counters: &[
            on(0x49, "cube_fp16_exec"),
            on(0x4a, "cube_int8_exec"),
            on(0x4b, "vec_fp32_exec"),
            on(0x4c, "vec_fp16_128lane_exec"),
            on(0x4d, "vec_fp16_64lane_exec"),
            on(0x4e, "vec_int32_exec"),
            on(0x4f, "vec_misc_exec"),
            OFF,
        ],
    },
    PmuEvents {
        set: PmuEventSet::PipeUtilization,
        counters: &[
            on(0x8, "vec_busy_cycles"),
            on(0xa, "cube_busy_cycles"),
            on(0x9, "scalar_busy_cycles"),
            on(0xb, "mte1_busy_cycles"),
            on(0xc, "mte2_busy_cycles"),
            on(0xd, "mte3_busy_cycles"),
            on(0x55, "icache_miss"),
            on(0x54, "icache_req"),
        ],
    },
    PmuEvents {
        set: PmuEventSet::Memory,
        counters: &[
            on(0x15, "ub_read_req"),
            on(0x16, "ub_write_req"),
            on(0x31, "l1_read_req"),
            on(0x32, "l1_write_req"),
            on(0xf, "l2_read_req"),
            on(0x10, "l2_write_req"),
            on(0x12, "main_read_req"),
            on(0x13, "main_write_req"),
        ],
    },
    PmuEvents {
        set: PmuEventSet::MemoryL0,
        counters: &[
            on(0x1b, "l0a_read_req"),
            on(0x1c, "l0a_write_req"),
            on(0x21, "l0b_read_req"),
            on(0x22, "l0b_write_req"),
            on(0x27, "l0c_read_req"),
            on(0x28, "l0c_write_req"),
            OFF,
            OFF,
        ],
    },
    PmuEvents {
        set: PmuEventSet::ResourceConflict,
        counters: &[
            on(0x64, "bankgroup_stall_cycles"),
            on(0x65, "bank_stall_cycles"),
            on(0x66, "vec_resc_conflict_cycles"),
            OFF,
            OFF,
            OFF,
            OFF,
            OFF,
        ],
    },
    PmuEvents {
        set: PmuEventSet::MemoryUb,
        counters: &[
            on(0x3d, "ub_read_bw_mte"),
            on(0x10, "l2_write_bw"),
            on(0x13, "main_mem_write_bw"),
            on(0x3e, "ub_write_bw_mte"),
            on(0x43, "ub_read_bw_vector"),
            on(0x44, "ub_write_bw_vector"),
            on(0x37, "ub_read_bw_scalar"),
            on(0x38, "ub_write_bw_scalar"),
        ],
    },
    PmuEvents {
        set: PmuEventSet::L2Cache,
        counters: &[
            on(0x500, "write_cache_hit"),
            on(0x502, "write_cache_miss_allocate"),
            on(0x504, "r0_read_cache_hit"),
            on(0x506, "r0_read_cache_miss_allocate"),
            on(0x508, "r1_read_cache_hit"),
            on(0x50a, "r1_read_cache_miss_allocate"),
            OFF,
            OFF,
        ],
    },
];

/// Events of [`A5`](crate::A5).
pub(crate) const A5: &[PmuEvents] = &[
    PmuEvents {
        set: PmuEventSet::ArithmeticUtilization,
        counters: &[
            on(0x323, "cube_fp_instr_busy"),
            on(0x324, "cube_int_instr_busy"),
            OFF,
            OFF,
            OFF,
            OFF,
            OFF,
            OFF,
            OFF,
            OFF,
        ],
    },
    PmuEvents {
        set: PmuEventSet::PipeUtilization,
        counters: &[
            on(0x501, "pmu_idc_aic_vec_busy_o"),
            on(0x301, "cube_instr_busy"),
            on(0x1, "scalar_instr_busy"),
            on(0x701, "mte1_instr_busy"),
            on(0x202, "mte2_instr_busy"),
            on(0x203, "mte3_instr_busy"),
            on(0x34, "icache_req"),
            on(0x35, "icache_miss"),
            on(0x714, "pmu_fix_instr_busy"),
            OFF,
        ],
    },
    PmuEvents {
        set: PmuEventSet::Memory,
        counters: &[
            OFF,
            OFF,
            on(0x400, "bif_sc_pmu_read_main_instr_core"),
            on(0x401, "bif_sc_pmu_write_main_instr_core"),
            on(0x56f, "pmu_aiv_ext_rd_ub_instr"),
            on(0x571, "ub_pmu_vec_rd_ub_acc"),
            on(0x570, "pmu_aiv_ext_wr_ub_instr"),
            on(0x572, "ub_pmu_vec_wr_ub_acc"),
            on(0x707, "pmu_rd_l1_instr"),
            on(0x709, "pmu_wr_l1_instr"),
        ],
    },
    PmuEvents {
        set: PmuEventSet::MemoryL0,
        counters: &[
            on(0x304, "cube_sc_pmu_read_l0a_instr"),
            on(0x703, "pmu_wr_l0a_instr"),
            on(0x306, "cube_sc_pmu_read_l0b_instr"),
            on(0x705, "pmu_wr_l0b_instr"),
            on(0x712, "fixp_rd_l0c_instr"),
            on(0x30a, "cube_sc_pmu_read_l0c_instr"),
            on(0x308, "cube_sc_pmu_write_l0c_instr"),
            OFF,
            OFF,
            OFF,
        ],
    },
    PmuEvents {
        set: PmuEventSet::ResourceConflict,
        counters: &[
            on(0x3556, "stu_pmu_wctl_ub_cflt"),
            on(0x3540, "ldu_pmu_ib_ub_cflt"),
            on(0x3502, "pmu_idc_aic_vec_instr_vf_busy_o"),
            on(0x3528, "idu_pmu_ins_iss_cnt"),
            OFF,
            OFF,
            OFF,
            OFF,
            OFF,
            OFF,
        ],
    },
    PmuEvents {
        set: PmuEventSet::MemoryUb,
        counters: &[
            on(0x3, "pmu_rd_acc_ub_instr_p"),
            on(0x5, "pmu_wr_acc_ub_instr_p"),
            on(0x70c, "pmu_fix_wr_ub_instr"),
            on(0x206, "mte_sc_pmu_write_acc_ub_instr_0"),
            on(0x204, "mte_sc_pmu_read_acc_ub_instr_0"),
            on(0x571, "ub_pmu_vec_rd_ub_acc"),
            on(0x572, "ub_pmu_vec_wr_ub_acc"),
            OFF,
            OFF,
            OFF,
        ],
    },
    PmuEvents {
        set: PmuEventSet::L2Cache,
        counters: &[
            on(0x424, "bif_sc_pmu_ar_close_l2_hit_core"),
            on(0x425, "bif_sc_pmu_ar_close_l2_miss_core"),
            on(0x426, "bif_sc_pmu_ar_close_l2_victim_core"),
            on(0x42a, "bif_sc_pmu_aw_close_l2_hit_core"),
            on(0x42b, "bif_sc_pmu_aw_close_l2_miss_core"),
            on(0x42c, "bif_sc_pmu_aw_close_l2_victim_core"),
            OFF,
            OFF,
            OFF,
            OFF,
        ],
    },
];
