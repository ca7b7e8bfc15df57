// Every way to build a task that cannot be. The second task would be fine, and must not run.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_AFFINE 0

enum Mistake : uint64_t {
    TENSOR_AFTER_SCALAR,
    TOO_MANY_TENSORS,
    TOO_MANY_SCALARS,
    TOO_MANY_DEPS,
    INVALID_DEP,
    FUTURE_DEP,
    NO_KERNEL,
    NO_BLOCKS,
    ALLOC_WITH_SCALAR,
    ALLOC_WITH_INPUT,
    ALLOC_OF_NOTHING,
    SCALARS_OUT_OF_RANGE,
};

static void submit_wrongly(Mistake mistake, const Tensor &x) {
    TensorCreateInfo made(x.shapes, x.ndims, x.dtype);
    Arg job;
    switch (mistake) {
    case TENSOR_AFTER_SCALAR:
        job.add_scalar(1u, 1u);
        job.add_inout(x);
        break;
    case TOO_MANY_TENSORS:
        for (int i = 0; i <= MAX_TENSOR_ARGS; i++) job.add_inout(x);
        break;
    case TOO_MANY_SCALARS:
        job.add_inout(x);
        for (int i = 0; i <= MAX_SCALAR_ARGS; i++) job.add_scalar(1u);
        break;
    case TOO_MANY_DEPS: {
        PTO2TaskId before = alloc_tensors(made).task_id();
        job.add_inout(x);
        job.add_scalar(1u, 1u);
        for (int i = 0; i <= PTO2_MAX_EXPLICIT_DEPS; i++) job.add_dep(before);
        break;
    }
    case INVALID_DEP:
        job.add_inout(x);
        job.add_scalar(1u, 1u);
        job.add_dep(PTO2TaskId::invalid());
        break;
    case FUTURE_DEP:
        job.add_inout(x);
        job.add_scalar(1u, 1u);
        job.add_dep(PTO2TaskId::make(0, 1000));
        break;
    case NO_KERNEL:
        job.add_inout(x);
        job.add_scalar(1u, 1u);
        rt_submit_task(MixedKernels{}, job);
        return;
    case NO_BLOCKS:
        job.add_inout(x);
        job.add_scalar(1u, 1u);
        job.launch_spec.set_block_num(0);
        break;
    case ALLOC_WITH_SCALAR:
        job.add_output(made);
        job.add_scalar(1u);
        alloc_tensors(job);
        return;
    case ALLOC_WITH_INPUT:
        job.add_output(made);
        job.add_input(x);
        alloc_tensors(job);
        return;
    case ALLOC_OF_NOTHING:
        alloc_tensors(job);
        return;
    case SCALARS_OUT_OF_RANGE: {
        Arg other;
        other.add_scalar(1u);
        job.add_inout(x);
        job.copy_scalars_from(other, 0, 2);
        break;
    }
    }
    rt_submit_aiv_task(FUNC_AFFINE, job);
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
    submit_wrongly(static_cast<Mistake>(orch_args.scalar(0)), x);

    Arg fine;
    fine.add_inout(x);
    fine.add_scalar(1u, 1u);
    rt_submit_aiv_task(FUNC_AFFINE, fine);
}
}
