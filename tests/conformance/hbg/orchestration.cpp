// Carries out the script that a run's scalars hold. The same in Rust: `tests/src/conformance/hbg.rs`.
//
// Here an orchestration moves the data of its tensors itself, so it has to know which way: the program writes that into
// the shared object, behind the colon.
#include <algorithm>
#include <stdexcept>
#include <stdint.h>
#include <vector>

#include "orchestration_api.h"

#include "../script.h"
#include "../stuck.h"

static volatile const char directions[] = "directions:????????????????????????????????????????????????????????????????";

// 'i' for in, 'o' for out; anything else is both.
static char direction(int index) { return directions[sizeof("directions:") - 1 + index]; }

static char *bind(OrchestrationRuntime *runtime, const ContinuousTensor &tensor, char direction) {
    if (tensor.is_child_memory()) return reinterpret_cast<char *>(tensor.data);
    void *host = reinterpret_cast<void *>(tensor.data);
    void *device = device_malloc(runtime, tensor.nbytes());
    if (device == nullptr) return nullptr;
    if (direction != 'o' && copy_to_device(runtime, device, host, tensor.nbytes()) != 0) return nullptr;
    if (direction != 'i') record_tensor_pair(runtime, host, device, tensor.nbytes());
    return static_cast<char *>(device);
}

extern "C" int build_graph(OrchestrationRuntime *runtime, const ChipStorageTaskArgs &args) {
    std::vector<char *> device;
    for (int i = 0; i < args.tensor_count(); i++) {
        device.push_back(bind(runtime, args.tensor(i), direction(i)));
        if (device.back() == nullptr) return -1;
    }
    // The task that touched each tensor last.
    std::vector<int> last(device.size(), -1);
    const int64_t steps = static_cast<int64_t>(args.scalar(0));
    for (int64_t step = 0; step < steps; step++) {
        uint64_t word[STEP_WORDS];
        for (int i = 0; i < STEP_WORDS; i++) word[i] = args.scalar(static_cast<int>(1 + step * STEP_WORDS + i));
        const uint64_t op = word[0] & 0xff;
        const bool cube = (word[0] >> 8 & 0xff) == LANES_CUBE;
        const int kernel = static_cast<int>(word[0] >> 16) + (cube ? 1 : 0);
        const size_t from = word[1], to = word[2];
        switch (op) {
        case OP_FATAL:
            return static_cast<int>(word[3]);
        case OP_THROW:
            throw std::runtime_error("the script says so");
        case OP_STUCK:
            stay_until_set(word[6]);
            continue;
        case OP_TASK:
            break;
        default:
            return -2;
        }
        const ContinuousTensor &target = args.tensor(static_cast<int>(to));
        uint64_t words[] = {
            reinterpret_cast<uint64_t>(device[from]),
            reinterpret_cast<uint64_t>(device[to]),
            word[3],
            word[4],
            word[5],
            word[6],
            target.nbytes() / sizeof(uint32_t),
        };
        const int task = add_task(runtime, words, 7, kernel, cube ? CoreType::AIC : CoreType::AIV);
        for (int earlier : {last[from], last[to]})
            if (earlier >= 0) add_successor(runtime, earlier, task);
        last[from] = last[to] = task;
    }
    return 0;
}
