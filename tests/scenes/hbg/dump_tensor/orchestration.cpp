// f = a + b + 1, the second task in place. Each task describes its tensors in one of the two ways there are; what is
// refused leaves the graph as it was.
#include "../graph.h"

#define FUNC_ADD 0
#define FUNC_ADD_SCALAR 1

extern "C" int build_graph(OrchestrationRuntime *runtime, const ChipStorageTaskArgs &args) {
    const uint64_t count = args.tensor(0).nbytes() / sizeof(float);
    char *a = upload(runtime, args.tensor(0));
    char *b = upload(runtime, args.tensor(1));
    char *f = result(runtime, args.tensor(2));
    if (a == nullptr || b == nullptr || f == nullptr) return -2;

    const TensorInfo info = make_tensor_info_from_tensor_arg(args.tensor(0));
    const TensorInfo three[] = {info, info, info};
    const int sum = task(runtime, FUNC_ADD, CoreType::AIV, {word(a), word(b), word(f), count});
    if (set_tensor_info_to_task(runtime, sum, three, 3) != 0) return -3;
    if (set_tensor_info_to_task(runtime, sum + 1, three, 3) >= 0) return -4;
    if (set_tensor_info_to_task(runtime, sum, nullptr, 3) >= 0) return -5;
    if (set_tensor_info_to_task(runtime, sum, nullptr, 0) != 0) return -6;

    uint64_t words[] = {word(f), word(f), word(1.0f), count};
    const int plus = add_task_with_tensor_info(runtime, words, 4, FUNC_ADD_SCALAR, CoreType::AIV, three, 2);
    if (plus != sum + 1 || get_task_count(runtime) != 2) return -7;
    add_successor(runtime, sum, plus);
    return 0;
}
