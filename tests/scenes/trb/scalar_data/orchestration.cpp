// Single elements, read and written by the orchestration between the kernels that use them.
//
// Every access waits for the kernels submitted before it: a read for the element's writers, a write also for its
// readers. Memory from outside has no recorded readers, so what is read and later written here is submitted INOUT.
#include <stdint.h>

#include "pto_orchestration_api.h"

#define FUNC_ADD 0
#define FUNC_NOOP 1

static Tensor submit_add(const Tensor &x, const Tensor &y, const TensorCreateInfo &made) {
    Arg job;
    job.add_input(x, y);
    job.add_output(made);
    TaskOutputTensors outs = rt_submit_aiv_task(FUNC_ADD, job);
    return outs.get_ref(0);
}

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 4,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor a = from_tensor_arg(orch_args.tensor(0));
    Tensor b = from_tensor_arg(orch_args.tensor(1));
    Tensor result = from_tensor_arg(orch_args.tensor(2));
    Tensor check = from_tensor_arg(orch_args.tensor(3));
    TensorCreateInfo whole(a.shapes, a.ndims);

    uint32_t next = 0;
    auto note = [&](float value) {
        const uint32_t at[1] = {next++};
        set_tensor_data(check, 1, at, value);
    };
    const uint32_t first[2] = {0, 0};
    const uint32_t hundredth[2] = {0, 100};

    // Read after a kernel wrote: a = 2, b[i] = i.
    Tensor c = submit_add(a, b, whole);
    note(get_tensor_data<float>(c, 2, first));
    note(get_tensor_data<float>(c, 2, hundredth));

    // Memory without a kernel, with a value; then past a kernel that could have changed it.
    const uint32_t one[1] = {1};
    const uint32_t here[1] = {0};
    TensorCreateInfo single(one, 1);
    single.set_initial_value(77.0f);
    TaskOutputTensors allocated = alloc_tensors(single);
    const Tensor &cell = allocated.get_ref(0);
    note(get_tensor_data<float>(cell, 1, here));
    Arg touch;
    touch.add_inout(cell);
    rt_submit_aiv_task(FUNC_NOOP, touch);
    const float before = get_tensor_data<float>(cell, 1, here);
    note(before);

    // What is read can be computed with.
    note(before + get_tensor_data<float>(a, 2, first));

    // Write, then read.
    set_tensor_data(cell, 1, here, 42.0f);
    note(get_tensor_data<float>(cell, 1, here));

    // A kernel sees what was written before it was submitted.
    TaskOutputTensors second = alloc_tensors(whole);
    const Tensor &d = second.get_ref(0);
    set_tensor_data(d, 2, first, 10.0f);
    Tensor e = submit_add(d, a, whole);
    note(get_tensor_data<float>(e, 2, first));

    // A write waits for the producer and for the reader.
    submit_add(c, b, whole);
    set_tensor_data(c, 2, first, 88.0f);
    note(get_tensor_data<float>(c, 2, first));

    // The same on memory from outside, through a kernel that names it as its output.
    Arg claim;
    claim.add_output(b);
    rt_submit_aiv_task(FUNC_NOOP, claim);
    set_tensor_data(b, 2, first, 55.0f);
    note(get_tensor_data<float>(b, 2, first));
    set_tensor_data(b, 2, first, 0.0f);

    Arg last;
    last.add_input(a, b);
    last.add_output(result);
    rt_submit_aiv_task(FUNC_ADD, last);
}
}
