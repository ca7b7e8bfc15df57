// x: index -> index + 1; a link that runs out of its order leaves -1, and nothing heals that.
#include "words.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ int32_t *x = at<int32_t>(args, 0);
    const int32_t index = static_cast<int32_t>(args[1]);
    x[0] = x[0] == index ? index + 1 : -1;
    pipe_sync();
}
