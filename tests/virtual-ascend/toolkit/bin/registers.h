// What code of a virtual core has in the place of a core's own registers and instructions.
//
// Whoever runs such code puts the address of this record, which is also its first word, into the base of %gs: a
// register that no other code of this machine's kind uses, so that one program serves all cores as on a chip.
#pragma once

#include <stdint.h>

struct core_registers {
    struct core_registers *self;
    uint64_t data_main_base;       // what the next routine has read
    void (*read_data_main_base)(); // leaves every other register as it is
    void (*set_cond)(uint32_t status);
    void (*invalidate)();
    uint64_t (*get_sys_cnt)();
    uint64_t ffts_base_addr;
    uint64_t coreid;
    uint64_t block_idx;
    uint64_t block_num;
    uint64_t subblockid;
    uint64_t subblockdim;
};
