// One row of the result per rule about who waits for whom. Writers are slow, so that a reader who does not wait
// reads something else.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_ASSIGN 0
#define FUNC_COPY 1
#define FUNC_AFFINE 2

static constexpr uint32_t SLOW = 300'000;  // nanoseconds

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 2,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor scratch = from_tensor_arg(orch_args.tensor(0));
    Tensor result = from_tensor_arg(orch_args.tensor(1));
    const uint32_t row[2] = {1, result.shapes[1]};
    uint32_t next = 0;
    auto take_row = [&](const Tensor &from, bool untracked = false) {
        const uint32_t at[2] = {next++, 0};
        return from.view(row, at, untracked);
    };
    auto assign = [](const Tensor &into, uint32_t value) {
        Arg job;
        job.add_output(into);
        job.add_scalar(value, SLOW);
        return rt_submit_aiv_task(FUNC_ASSIGN, job).task_id();
    };
    auto triple_plus_one = [](const Tensor &x) {
        Arg job;
        job.add_inout(x);
        job.add_scalar(3u, 1u);
        return rt_submit_aiv_task(FUNC_AFFINE, job).task_id();
    };
    auto result_row = [&]() {
        const uint32_t at[2] = {next - 1, 0};
        return result.view(row, at);
    };
    auto copy = [](const Tensor &from, const Tensor &into, PTO2TaskId after = PTO2TaskId::invalid(), bool tracked = true) {
        Arg job;
        if (tracked) {
            job.add_input(from);
        } else {
            job.add_no_dep(from);
        }
        job.add_output(into);
        if (after.is_valid()) job.add_dep(after);
        rt_submit_aiv_task(FUNC_COPY, job);
    };

    // Existing memory as output, then a reader.
    Tensor written = take_row(scratch);
    assign(written, 10);
    copy(written, result_row());

    // Existing memory as output, then a writer that reads, then a reader.
    Tensor changed = take_row(scratch);
    assign(changed, 11);
    triple_plus_one(changed);
    copy(changed, result_row());

    // An untracked reader, ordered by hand.
    Tensor by_hand = take_row(scratch);
    PTO2TaskId writer = assign(by_hand, 12);
    copy(by_hand, result_row(), writer, false);

    // An untracked view of tracked memory, ordered by hand.
    Tensor untracked = take_row(scratch, true);
    writer = assign(untracked, 13);
    copy(untracked, result_row(), writer);

    // What a task made is waited for however it is used: untracked, ...
    TensorCreateInfo made(row, 2, DataType::UINT32);
    auto make = [&](uint32_t value) {
        next++;
        Arg job;
        job.add_output(made);
        job.add_scalar(value, SLOW);
        return rt_submit_aiv_task(FUNC_ASSIGN, job);
    };
    TaskOutputTensors first = make(14);
    copy(first.get_ref(0), result_row(), PTO2TaskId::invalid(), false);

    // ... through a view, ...
    TaskOutputTensors second = make(15);
    const uint32_t half[2] = {1, result.shapes[1] / 2};
    const uint32_t middle[2] = {0, result.shapes[1] / 2};
    const uint32_t result_half[2] = {next - 1, 0};
    copy(second.get_ref(0).view(half, middle), result.view(half, result_half));

    // ... under another shape.
    TaskOutputTensors third = make(16);
    const uint32_t flat[1] = {result.shapes[1]};
    copy(third.get_ref(0).reshape(flat, 1), result_row());

    // A writer replaces the writer before it; both leave their mark in order.
    Tensor twice = take_row(scratch);
    assign(twice, 17);
    triple_plus_one(twice);
    triple_plus_one(twice);
    copy(twice, result_row());
}
}
