// The argument block of an orchestration, and how these programs say what they found: written from the description of
// the binary interface alone, as another project's headers would have it. None of our headers is used in this folder.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct host_tensor {
    uint64_t data;
    uint32_t shapes[5];
    uint32_t ndims;
    uint8_t dtype;
    uint8_t child_memory;
};

struct call_args {
    struct host_tensor tensors[64];
    uint64_t scalars[128];
    int32_t tensor_count;
    int32_t scalar_count;
};

_Static_assert(sizeof(struct host_tensor) == 40 && sizeof(struct call_args) == 3592, "2.3, 2.4");

// The first line in which something was not as described; 0 while all is. The last word says that the end was reached.
static uint64_t first_wrong;

#define CHECK(...)                                                    \
    do {                                                              \
        if (!(__VA_ARGS__) && first_wrong == 0) first_wrong = __LINE__; \
    } while (0)

enum { REACHED = 1000000 };

static inline void report(uint64_t address) { *(uint64_t *)address = first_wrong ? first_wrong : REACHED; }
