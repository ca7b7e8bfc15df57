// What orchestrations and kernels of graphs built on the device share with the runtime: abi.md 3A.5, 3A.6, 4.3, 4.4.
#include "call.h"

struct tensor {
    uint64_t addr, size;
    uint64_t owner;
    uint64_t start_offset;
    int32_t version;
    uint32_t ndims;
    uint8_t dtype;
    uint8_t is_all_offset_zero, is_raw_eq_shapes, manual_dep;
    uint32_t shapes[5];
    uint32_t raw_shapes[5];
    uint32_t offsets[5];
    uint8_t pad[24];
} __attribute__((aligned(64)));

struct create_info {
    uint64_t initial_value;
    uint8_t has_initial_value;
    uint8_t pad1[7];
    uint64_t pad2, pad3;
    int32_t version;
    uint32_t ndims;
    uint8_t dtype;
    uint8_t is_all_offset_zero, is_raw_eq_shapes, manual_dep;
    uint32_t raw_shapes[5];
} __attribute__((aligned(64)));

struct deferred_entry {
    uint64_t addr;
    uint32_t expected_value;
    uint32_t engine;
    int32_t completion_type;
    uint32_t pad;
};

struct local_context {
    int32_t block_idx, block_num;
    volatile uint32_t *completion_count;
    volatile int32_t *completion_error_code;
    volatile struct deferred_entry *completion_entries;
    uint32_t completion_capacity;
    uint64_t task_token;
};

_Static_assert(sizeof(struct tensor) == 128 && offsetof(struct tensor, raw_shapes) == 64, "3A.5");
_Static_assert(sizeof(struct create_info) == 64 && offsetof(struct create_info, raw_shapes) == 44, "3A.5");
_Static_assert(sizeof(struct local_context) == 48 && offsetof(struct local_context, task_token) == 40, "4.3");
_Static_assert(sizeof(struct deferred_entry) == 24, "4.4");
