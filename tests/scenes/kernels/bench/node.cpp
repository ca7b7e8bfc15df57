// out = layer + 1 after `nanoseconds` if all four inputs are of this layer, else -1.
#include "../kernel.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    const int32_t layer = scalar<int32_t>(args, 5);
    compute_for(scalar<uint32_t>(args, 6));
    bool ready = true;
    for (int input = 0; input < 4; input++) ready = ready && cells<int32_t>(tensor(args, input))[0] == layer;
    cells<int32_t>(tensor(args, 4))[0] = ready ? layer + 1 : -1;
    pipe_sync();
}
