// Tasks that complete when a counter has come far enough, long after their kernels have returned.
#include "pto_orchestration_api.h"

#include "checks.h"
#include "platform_comm/comm_context.h"

static TaskOutputTensors submit(int32_t kernel, const Tensor &counter, const CommContext *group, int mode,
                                uint64_t answer) {
    uint32_t one[1] = {1};
    TensorCreateInfo done(one, 1, DataType::INT32);
    Arg args;
    args.add_no_dep(counter);
    args.add_output(done);
    args.add_scalar(reinterpret_cast<uint64_t>(group));
    args.add_scalar(mode, answer);
    return rt_submit_aiv_task(kernel, args);
}

extern "C" {

__attribute__((visibility("default"))) void deferred_orchestration(const ChipStorageTaskArgs &orch_args) {
    const Tensor counter = from_tensor_arg(orch_args.tensor(0));
    // A group of one rank, whose window is the counter.
    CommContext group{};
    group.rankNum = 1;
    group.windowsIn[0] = counter.buffer.addr;
    // Waits for five notifications, of which it sends one.
    TaskOutputTensors waits = submit(0, counter, &group, 1, orch_args.scalar(1));
    TaskOutputTensors sends[4];
    for (TaskOutputTensors &each : sends) each = submit(0, counter, &group, 0, orch_args.scalar(1));
    uint32_t at[1] = {0};
    CHECK(get_tensor_data<int32_t>(waits.get_ref(0), 1, at) == 1);
    CHECK(get_tensor_data<int32_t>(counter, 1, at) == 5);
    for (const TaskOutputTensors &each : sends) CHECK(get_tensor_data<int32_t>(each.get_ref(0), 1, at) == 1);
    report(orch_args.scalar(0));
}
}
