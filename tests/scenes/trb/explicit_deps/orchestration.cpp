// Nothing here is tracked through memory; every order is spelled out by task ids.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_LINK 0
#define FUNC_ASSIGN 1
#define FUNC_TOTAL 2

static constexpr uint32_t SLOW = 20'000;  // nanoseconds

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 4,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor x = from_tensor_arg(orch_args.tensor(0));
    Tensor rows = from_tensor_arg(orch_args.tensor(1));
    Tensor sum = from_tensor_arg(orch_args.tensor(2));
    const uint32_t links = static_cast<uint32_t>(orch_args.scalar(0));

    // A chain whose links lie in different rings: each opens a scope more or closes one.
    PTO2TaskId before = PTO2TaskId::invalid();
    PTO2TaskId oldest = PTO2TaskId::invalid();
    auto link = [&](uint32_t index) {
        Arg job;
        job.add_no_dep(x);
        job.add_scalar(index, SLOW);
        if (before.is_valid()) job.add_dep(before);
        before = rt_submit_aiv_task(FUNC_LINK, job).task_id();
        if (!oldest.is_valid()) oldest = before;
    };
    uint32_t index = 0;
    while (index < links) {
        link(index++);
        PTO2_SCOPE() {
            if (index < links) link(index++);
            PTO2_SCOPE() {
                if (index < links) link(index++);
            }
        }
    }

    // As many as one task can name, and one that retired long ago.
    Arg end;
    end.add_no_dep(rows, sum);
    end.add_dep(oldest);
    const uint32_t row[2] = {1, rows.shapes[1]};
    for (uint32_t i = 0; i < rows.shapes[0]; i++) {
        const uint32_t at[2] = {i, 0};
        Tensor own = rows.view(row, at);
        Arg job;
        job.add_no_dep(own);
        job.add_scalar(i + 1, SLOW);
        end.add_dep(rt_submit_aiv_task(FUNC_ASSIGN, job).task_id());
    }
    rt_submit_aiv_task(FUNC_TOTAL, end);
}
}
