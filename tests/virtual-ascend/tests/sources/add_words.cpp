// out = x + y for `count` floats.
#include <cstdint>

extern "C" void kernel_entry(int64_t *args) {
    const float *x = reinterpret_cast<const float *>(args[0]);
    const float *y = reinterpret_cast<const float *>(args[1]);
    float *out = reinterpret_cast<float *>(args[2]);
    for (int64_t index = 0; index < args[3]; index++) out[index] = x[index] + y[index];
}
