// An orchestration of a graph built on the host, by the table of abi.md 3B.2.
#include "call.h"

struct tensor_info {
    uint8_t dtype, ndims;
    uint16_t reserved;
    uint32_t shapes[5], raw_shapes[5], offsets[5];
};

struct runtime {
    const struct operations *ops;
};

struct operations {
    int (*add_task)(struct runtime *, uint64_t *, int, int, int);
    int (*set_tensor_info_to_task)(struct runtime *, int, const struct tensor_info *, int);
    void (*add_successor)(struct runtime *, int, int);
    void (*record_tensor_pair)(struct runtime *, void *, void *, size_t);
    int (*get_task_count)(struct runtime *);
    void (*print_runtime)(struct runtime *);
    void *(*device_malloc)(struct runtime *, size_t);
    void (*device_free)(struct runtime *, void *);
    int (*copy_to_device)(struct runtime *, void *, const void *, size_t);
};

_Static_assert(sizeof(struct tensor_info) == 64 && sizeof(struct operations) == 72, "3B.2");

enum { AIC, AIV };

int raw_graph(struct runtime *rt, const struct call_args *args) {
    if (args->tensor_count == 0) return 4711;
    first_wrong = 0;
    const size_t bytes = 4 * (size_t)args->tensors[0].shapes[0];
    CHECK(args->tensor_count == 2 && args->scalar_count == 1 && rt->ops->get_task_count(rt) == 0);
    char *memory = rt->ops->device_malloc(rt, bytes);
    void *spare = rt->ops->device_malloc(rt, 1);
    CHECK(memory && spare);
    rt->ops->device_free(rt, spare);
    rt->ops->device_free(rt, NULL);
    // In two pieces.
    const char *host = (const char *)args->tensors[0].data;
    CHECK(rt->ops->copy_to_device(rt, memory, host, bytes / 2) == 0);
    CHECK(rt->ops->copy_to_device(rt, memory + bytes / 2, host + bytes / 2, bytes / 2) == 0);
    uint64_t words[16] = {(uint64_t)memory, args->tensors[0].shapes[0], 3, 16};
    const int first = rt->ops->add_task(rt, words, 4, 0, AIV);
    words[2] = 5;
    const int second = rt->ops->add_task(rt, words, 16, 1, AIC);
    words[2] = 7;
    CHECK(first == 0 && second == 1 && rt->ops->get_task_count(rt) == 2);
    struct tensor_info info = {.dtype = 10, .ndims = 1, .shapes = {bytes / 4}, .raw_shapes = {bytes / 4}};
    CHECK(rt->ops->set_tensor_info_to_task(rt, first, &info, 1) == 0);
    CHECK(rt->ops->set_tensor_info_to_task(rt, first, NULL, 0) == 0);
    rt->ops->add_successor(rt, first, second);
    rt->ops->print_runtime(rt);
    rt->ops->record_tensor_pair(rt, (void *)args->tensors[1].data, memory, bytes);
    report(args->scalars[0]);
    return 0;
}
