// The three places of a fan: the gate opens, a blade looks at it and leaves its number, the rim adds all numbers up.
#include "words.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ int64_t *gate = at<int64_t>(args, 0), *blades = at<int64_t>(args, 1), *sum = at<int64_t>(args, 2);
    const int64_t place = args[3], number = args[4];
    if (place == 0) gate[0] = 1;
    if (place == 1) blades[number] = gate[0] == 1 ? number + 1 : -1000000;
    if (place == 2) {
        sum[0] = 0;
        for (int64_t i = 0; i < number; i++) sum[0] += blades[i];
    }
    pipe_sync();
}
