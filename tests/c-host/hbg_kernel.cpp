// out = 3 * x + y over as many whole numbers as the last argument says.
#include <stdint.h>

extern "C" void kernel_entry(int64_t *args) {
    const uint32_t *x = reinterpret_cast<uint32_t *>(args[0]);
    const uint32_t *y = reinterpret_cast<uint32_t *>(args[1]);
    uint32_t *out = reinterpret_cast<uint32_t *>(args[2]);
    for (int64_t i = 0; i < args[3]; i++) out[i] = 3 * x[i] + y[i];
}
