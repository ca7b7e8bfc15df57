// Graphs that cannot be and calls that are wrong, by number.
#include <stdexcept>

#include "../../hbg/graph.h"

extern "C" int build_graph(OrchestrationRuntime *runtime, const ChipStorageTaskArgs &args) {
    char *x = update(runtime, args.tensor(0));
    if (x == nullptr) return -2;
    auto add = [&](std::initializer_list<int> after = {}) {
        return task(runtime, 0, CoreType::AIV, {word(x), 0, 0}, after);
    };
    const int one = add(), two = add({one}), three = add({two});
    uint64_t words[] = {word(x), 0, 0};
    char elsewhere[64];
    switch (args.scalar(0)) {
    case 0:
        add_successor(runtime, three, one);
        return 0;
    case 1:
        add_successor(runtime, two, two);
        return 0;
    case 2:
        add_successor(runtime, one, 7);
        return 0;
    case 3:
        add_successor(runtime, -1, one);
        return 0;
    case 4:
        add_task(runtime, words, 3, 999, CoreType::AIV);
        return 0;
    case 5:
        add_task(runtime, words, 3, 5000, CoreType::AIV);
        return 0;
    case 6:
        add_task(runtime, words, 3, -7, CoreType::AIV);
        return 0;
    case 7:
        device_free(runtime, x + 4);
        return 0;
    case 8: {
        void *block = device_malloc(runtime, 16);
        device_free(runtime, block);
        device_free(runtime, block);
        return 0;
    }
    case 9:
        device_free(runtime, x);
        return 0;
    case 10:
        return 5;
    case 11:
        return -7;
    case 12:
        throw std::runtime_error("the user's own words");
    case 13:
        throw 42;
    case 14:
        add_task(runtime, words, -3, 0, CoreType::AIV);
        return 0;
    case 15:
        add_task(runtime, words, 3, 0, static_cast<CoreType>(2));
        return 0;
    case 16:
        copy_to_device(runtime, x, elsewhere, args.tensor(0).nbytes() + 1);
        return 0;
    case 17:
        copy_to_device(runtime, elsewhere, elsewhere, 4);
        return 0;
    case 18:
        record_tensor_pair(runtime, elsewhere, x, args.tensor(0).nbytes() + 1);
        return 0;
    case 19:
        record_tensor_pair(runtime, nullptr, x, 4);
        return 0;
    case 20:
        // What went wrong first is said even if the orchestration gives up because of it.
        return add_task(runtime, words, -3, 0, CoreType::AIV);
    default:
        return 0;
    }
}
