// Waiting tasks complete when all senders have counted; a token orders what uses the mail after the wait.
//
// Mailbox and counters are not tracked: nothing but the counters orders senders before readers.
#include <chrono>
#include <stdint.h>
#include <thread>

#include "pto_orchestration_api.h"

#define FUNC_WAIT 0
#define FUNC_SEND 1
#define FUNC_COLLECT 2

static void send_all(const Tensor &mailbox, const Tensor &counters, uint32_t work) {
    const uint32_t row[2] = {1, mailbox.shapes[1]};
    for (uint32_t i = 0; i < mailbox.shapes[0]; i++) {
        const uint32_t at[2] = {i, 0};
        Tensor own = mailbox.view(row, at);
        Arg job;
        job.add_no_dep(own, counters);
        job.add_scalar(i + 1, work);
        rt_submit_aiv_task(FUNC_SEND, job);
    }
}

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 6,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor mailbox = from_tensor_arg(orch_args.tensor(0));
    Tensor counters = from_tensor_arg(orch_args.tensor(1));
    Tensor result = from_tensor_arg(orch_args.tensor(2));
    const uint32_t work = static_cast<uint32_t>(orch_args.scalar(0));
    const bool senders_first = orch_args.scalar(1) != 0;
    const uint32_t blocks = static_cast<uint32_t>(orch_args.scalar(2));
    const uint32_t senders = mailbox.shapes[0];

    if (senders_first) {
        send_all(mailbox, counters, work);
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    const uint32_t row[2] = {1, result.shapes[1]};
    TensorCreateInfo made(row, 2, DataType::INT32);
    for (uint32_t waiter = 0; waiter < result.shapes[0]; waiter++) {
        Arg wait;
        wait.add_no_dep(counters);
        wait.add_output(made);
        wait.add_scalar(senders, counters.shapes[0]);
        wait.launch_spec.set_block_num(static_cast<int16_t>(blocks));
        TaskOutputTensors token = rt_submit_aiv_task(FUNC_WAIT, wait);

        const uint32_t at[2] = {waiter, 0};
        Tensor into = result.view(row, at);
        Arg collect;
        collect.add_input(token.get_ref(0));
        collect.add_no_dep(mailbox);
        collect.add_output(into);
        rt_submit_aiv_task(FUNC_COLLECT, collect);
    }
    if (!senders_first) send_all(mailbox, counters, work);
}
}
