// Manual scopes: no dependency but those that are named, in the scope and in what is nested in it.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_AFFINE 0
#define FUNC_COPY 1

static PTO2TaskId submit_affine(const Tensor &x, uint32_t factor, uint32_t addend, PTO2TaskId after) {
    Arg job;
    job.add_inout(x);
    job.add_scalar(factor, addend);
    if (after.is_valid()) job.add_dep(after);
    return rt_submit_aiv_task(FUNC_AFFINE, job).task_id();
}

static PTO2TaskId submit_copy(const Tensor &from, const Tensor &into, PTO2TaskId after) {
    Arg job;
    job.add_input(from);
    job.add_output(into);
    job.add_dep(after);
    return rt_submit_aiv_task(FUNC_COPY, job).task_id();
}

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 2,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor x = from_tensor_arg(orch_args.tensor(0));
    Tensor result = from_tensor_arg(orch_args.tensor(1));
    const uint32_t row[2] = {1, result.shapes[1]};
    auto result_row = [&](uint32_t index) {
        const uint32_t at[2] = {index, 0};
        return result.view(row, at);
    };

    // Tracked work before, a manual region, tracked work after: the first task of the region names the one before,
    // and the first after it names the region's last, whose writes nobody recorded.
    PTO2TaskId last = submit_affine(x, 2, 1, PTO2TaskId::invalid());
    PTO2_SCOPE(PTO2ScopeMode::MANUAL) {
        for (uint32_t step = 0; step < 8; step++) last = submit_affine(x, 3, step, last);
        PTO2_SCOPE(PTO2ScopeMode::MANUAL) {
            for (uint32_t step = 0; step < 4; step++) last = submit_affine(x, 5, step, last);
        }
        last = submit_affine(x, 2, 9, last);
        last = submit_copy(x, result_row(0), last);  // reads what comes next changes
    }
    submit_affine(x, 7, 1, last);
    last = submit_affine(x, 1, 4, PTO2TaskId::invalid());
    submit_copy(x, result_row(1), last);

    // Memory made inside lives as long as its scope and whoever names its task.
    for (uint32_t index = 2; index < result.shapes[0]; index++) {
        PTO2_SCOPE(PTO2ScopeMode::MANUAL) {
            TensorCreateInfo made(row, 2, DataType::UINT32);
            made.set_initial_value(index);
            TaskOutputTensors outs = alloc_tensors(made);
            PTO2TaskId step = submit_affine(outs.get_ref(0), 10, 1, outs.task_id());
            step = submit_affine(outs.get_ref(0), 10, 2, step);
            Arg job;
            job.add_input(outs.get_ref(0));
            Tensor into = result_row(index);
            job.add_output(into);
            job.add_dep(step, outs.task_id());
            rt_submit_aiv_task(FUNC_COPY, job);
        }
    }
}
}
