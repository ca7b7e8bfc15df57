// An orchestration of a graph built on the device, by the table and the records of abi.md 3A. Whatever the reference's
// headers leave uninitialised is filled with rubbish here.
#include "trb.h"

struct mixed_kernels {
    int32_t aic, aiv0, aiv1;
};

struct arg {
    int32_t tags[16];
    const void *tensors[16];
    uint64_t scalars[32];
    int32_t tensor_count, scalar_count;
    uint8_t has_error;
    const char *error_msg;
    int16_t block_num;
    uint8_t require_sync_start;
    uint64_t deps[16];
    uint32_t dep_count;
};

struct outputs {
    uint64_t task_id;
    uint32_t count;
    const struct tensor *tensors[16];
};

struct runtime {
    const struct operations *ops;
    uint8_t pending_scope_mode;
};

struct operations {
    struct outputs (*submit_task)(struct runtime *, const struct mixed_kernels *, const struct arg *);
    void (*scope_begin)(struct runtime *);
    void (*scope_end)(struct runtime *);
    void (*orchestration_done)(struct runtime *);
    _Bool (*is_fatal)(struct runtime *);
    void (*report_fatal)(struct runtime *, int32_t, const char *, const char *, ...);
    void (*log_error)(const char *, const char *, ...);
    void (*log_warn)(const char *, const char *, ...);
    void (*log_debug)(const char *, const char *, ...);
    void (*log_info_v)(const char *, int, const char *, ...);
    uint64_t (*get_tensor_data)(struct runtime *, const struct tensor *, uint32_t, const uint32_t *);
    void (*set_tensor_data)(struct runtime *, const struct tensor *, uint32_t, const uint32_t *, uint64_t);
    struct outputs (*alloc_tensors)(struct runtime *, const struct arg *);
};

_Static_assert(sizeof(struct arg) == 616 && offsetof(struct arg, has_error) == 456, "3A.5");
_Static_assert(offsetof(struct arg, block_num) == 472 && offsetof(struct arg, dep_count) == 608, "3A.5");
_Static_assert(sizeof(struct outputs) == 144 && sizeof(struct operations) == 104, "3A.6, 3A.4");

enum { INPUT, OUTPUT, INOUT, OUTPUT_EXISTING, NO_DEP };
enum { FLOAT32 = 0, INT32 = 2 };

static const uint64_t NOBODY = ~(uint64_t)0;
static struct runtime *rt;
static int bound;

void framework_bind_runtime(struct runtime *runtime) {
    rt = runtime;
    bound += runtime != NULL;
}

struct config {
    int32_t expected_arg_count;
};

struct config aicpu_orchestration_config(const struct call_args *args) {
    (void)args;
    return (struct config){7};
}

static struct tensor external(const struct host_tensor *from) {
    struct tensor made;
    memset(&made, 0xa5, sizeof made);
    made.addr = from->data;
    made.size = 4 * (uint64_t)from->shapes[0];
    made.owner = NOBODY;
    made.version = 0;
    made.ndims = 1;
    made.dtype = from->dtype;
    made.is_all_offset_zero = made.is_raw_eq_shapes = 1;
    made.manual_dep = 0;
    made.shapes[0] = from->shapes[0];
    return made;
}

// The second half.
static struct tensor half(const struct tensor *whole) {
    struct tensor part = *whole;
    part.start_offset = 0xa5a5a5a5a5a5a5a5;
    part.shapes[0] = whole->shapes[0] / 2;
    part.raw_shapes[0] = whole->shapes[0];
    part.offsets[0] = whole->shapes[0] / 2;
    part.is_all_offset_zero = part.is_raw_eq_shapes = 0;
    return part;
}

static struct create_info info(uint32_t elements, float start) {
    struct create_info made;
    memset(&made, 0xa5, sizeof made);
    made.initial_value = 0;
    memcpy(&made.initial_value, &start, sizeof start);
    made.has_initial_value = 1;
    made.version = 0;
    made.ndims = 1;
    made.dtype = FLOAT32;
    made.is_all_offset_zero = made.is_raw_eq_shapes = 1;
    made.manual_dep = 0;
    made.raw_shapes[0] = elements;
    return made;
}

static struct arg no_arguments(void) {
    struct arg made;
    memset(&made, 0xa5, sizeof made);
    memset(made.tags, 0, sizeof made.tags);
    made.tensor_count = made.scalar_count = 0;
    made.has_error = 0;
    made.error_msg = NULL;
    made.block_num = 1;
    made.require_sync_start = 0;
    made.dep_count = 0;
    return made;
}

static void add(struct arg *arg, int tag, const void *what) {
    arg->tags[arg->tensor_count] = tag;
    arg->tensors[arg->tensor_count++] = what;
}

static float element(const struct tensor *of, uint32_t index) {
    const uint64_t word = rt->ops->get_tensor_data(rt, of, 1, &index);
    float value;
    memcpy(&value, &word, sizeof value);
    CHECK(word >> 32 == 0);
    return value;
}

static void tasks(const struct call_args *args) {
    const struct tensor in = external(&args->tensors[0]), out = external(&args->tensors[1]);
    const struct tensor counter = external(&args->tensors[2]), part = half(&out);
    const struct create_info made = info(32, 7.0f);

    // One vector kernel: made += 2 in, part = in. It completes when the counter has come to 6.
    struct arg first = no_arguments();
    add(&first, INPUT, &in);
    add(&first, OUTPUT, &made);
    add(&first, INOUT, &part);
    add(&first, NO_DEP, &counter);
    first.scalars[0] = 0x40000000;
    first.scalars[1] = args->scalars[1];
    first.scalars[2] = 6;
    first.scalar_count = 3;
    const struct mixed_kernels on_aiv1 = {-1, -1, 0};
    const struct outputs waits = rt->ops->submit_task(rt, &on_aiv1, &first);
    CHECK(waits.task_id != NOBODY && waits.count == 1);
    const struct tensor *result = waits.tensors[0];
    CHECK(result->addr != 0 && result->size == 1024 && result->owner == waits.task_id && result->start_offset == 0);
    CHECK(result->ndims == 1 && result->shapes[0] == 32 && result->is_all_offset_zero && result->is_raw_eq_shapes);
    CHECK((waits.task_id & 0xffffffff) == 0 && waits.task_id >> 32 < 4);

    // Two blocks on all three cores at once: six calls that count.
    struct arg second = no_arguments();
    add(&second, NO_DEP, &counter);
    second.scalars[0] = args->scalars[2];
    second.scalar_count = 1;
    second.block_num = 2;
    second.require_sync_start = 1;
    const struct mixed_kernels all = {2, 1, 1};
    const struct outputs counts = rt->ops->submit_task(rt, &all, &second);
    CHECK(counts.task_id != NOBODY && counts.count == 0);

    // By task ids alone: out[0 … 31] = made.
    struct tensor front = half(&out);
    front.offsets[0] = 0xa5a5a5a5;
    front.is_all_offset_zero = 1;
    rt->pending_scope_mode = 1;
    rt->ops->scope_begin(rt);
    CHECK(rt->pending_scope_mode == 0);
    struct arg third = no_arguments();
    add(&third, INPUT, result);
    add(&third, OUTPUT_EXISTING, &front);
    third.deps[0] = counts.task_id;
    third.deps[1] = waits.task_id;
    third.dep_count = 2;
    const struct mixed_kernels copy = {3, -1, -1};
    CHECK(rt->ops->submit_task(rt, &copy, &third).task_id != NOBODY);
    rt->ops->scope_end(rt);

    CHECK(element(result, 0) == 7.0f + 2.0f * 0 && element(result, 31) == 7.0f + 2.0f * 31);
    CHECK(element(&part, 3) == 3.0f);
    const uint32_t last = 31;
    const float nine = 9.5f;
    uint64_t word = 0xa5a5a5a500000000;
    memcpy(&word, &nine, sizeof nine);
    rt->ops->set_tensor_data(rt, &part, 1, &last, word);
    CHECK(element(&part, 31) == 9.5f && element(&part, 30) == 30.0f);
}

static void memory(void) {
    const struct create_info small = info(3, 1.5f), large = info(300, 2.5f);
    struct arg arg = no_arguments();
    add(&arg, OUTPUT, &small);
    add(&arg, OUTPUT, &large);
    rt->ops->scope_begin(rt);
    const struct outputs made = rt->ops->alloc_tensors(rt, &arg);
    CHECK(made.count == 2 && made.tensors[1]->addr == made.tensors[0]->addr + 1024 && made.tensors[1]->size == 2048);
    CHECK(element(made.tensors[0], 2) == 1.5f && element(made.tensors[1], 299) == 2.5f);
    rt->ops->scope_end(rt);
}

static void words(void) {
    rt->ops->log_error("raw", "an error, %d %s %.1f %llu", 1, "two", 3.0, 4ull);
    rt->ops->log_warn("raw", "a warning");
    rt->ops->log_debug("raw", "%c", 'd');
    for (int tier = 0; tier <= 9; tier++) rt->ops->log_info_v("raw", tier, "tier %d", tier);
}

static void failure(const struct call_args *args) {
    const struct tensor in = external(&args->tensors[0]);
    CHECK(!rt->ops->is_fatal(rt));
    rt->ops->report_fatal(rt, 9, "raw", "%s for a %s", "fatal", "reason");
    rt->ops->report_fatal(rt, 4, "raw", NULL);
    CHECK(rt->ops->is_fatal(rt));
    struct arg none = no_arguments();
    const struct mixed_kernels one = {-1, 0, -1};
    struct outputs refused = rt->ops->submit_task(rt, &one, &none);
    CHECK(refused.task_id == NOBODY && refused.count == 0);
    refused = rt->ops->alloc_tensors(rt, &none);
    CHECK(refused.task_id == NOBODY && refused.count == 0);
    rt->ops->scope_begin(rt);
    rt->ops->scope_end(rt);
    const uint32_t index = 0;
    CHECK(rt->ops->get_tensor_data(rt, &in, 1, &index) == 0);
    rt->ops->set_tensor_data(rt, &in, 1, &index, 1);
}

void aicpu_orchestration_entry(const struct call_args *args) {
    first_wrong = 0;
    CHECK(args->tensor_count == 3 && args->scalar_count == 4 && rt != NULL && bound > 0);
    CHECK(args->tensors[0].ndims == 1 && args->tensors[0].dtype == FLOAT32 && args->tensors[2].dtype == INT32);
    if (args->scalars[3] == 0) {
        tasks(args);
        memory();
        words();
        CHECK(!rt->ops->is_fatal(rt));
        rt->ops->orchestration_done(rt);
    } else {
        failure(args);
    }
    report(args->scalars[0]);
}
