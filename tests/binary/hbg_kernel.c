// A kernel of `hbg_orchestration.c`: x = FACTOR x + third word. The words behind its four are zero.
#include <stdint.h>

void kernel_entry(int64_t *args) {
    uint32_t *x = (uint32_t *)args[0];
    int64_t rest = 0;
    for (int i = 4; i < args[3]; i++) rest |= args[i];
    for (int64_t i = 0; i < args[1]; i++) x[i] = rest ? 0xffffffff : FACTOR * x[i] + (uint32_t)args[2];
}
