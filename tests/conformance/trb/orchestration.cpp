// Carries out the script that a run's scalars hold. The same in Rust: `tests/src/conformance/trb.rs`.
#include <stdexcept>
#include <stdint.h>

#include "pto_orchestration_api.h"

#include "../script.h"
#include "../stuck.h"

// A kernel's number is its function id on vector cores; on cube cores it is the next one.
//
// Every task has two tensors and four scalars.
static MixedKernels kernels_of(int32_t kernel, uint64_t lanes) {
    MixedKernels kernels;
    if (lanes != LANES_VECTOR) kernels.aic_kernel_id = kernel + 1;
    if (lanes != LANES_CUBE) kernels.aiv0_kernel_id = kernel;
    if (lanes == LANES_CLUSTER) kernels.aiv1_kernel_id = kernel;
    return kernels;
}

extern "C" {

__attribute__((visibility("default"))) PTO2OrchestrationConfig
aicpu_orchestration_config(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 1,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    const int32_t steps = static_cast<int32_t>(orch_args.scalar(0));
    for (int32_t step = 0; step < steps; step++) {
        uint64_t word[STEP_WORDS];
        for (int32_t i = 0; i < STEP_WORDS; i++) word[i] = orch_args.scalar(1 + step * STEP_WORDS + i);
        const uint64_t op = word[0] & 0xff;
        const uint64_t lanes = word[0] >> 8 & 0xff;
        const int32_t kernel = static_cast<int32_t>(word[0] >> 16);
        const int32_t from = static_cast<int32_t>(word[1]);
        const int32_t to = static_cast<int32_t>(word[2]);
        const uint64_t factor = word[3], addend = word[4], mode = word[5], aux = word[6];

        Arg job;
        switch (op) {
        case OP_FATAL:
            rt_report_fatal(static_cast<int32_t>(factor), "the script says so");
            continue;
        case OP_THROW:
            throw std::runtime_error("the script says so");
        case OP_STUCK:
            stay_until_set(aux);
            continue;
        case OP_OPEN:
            rt_scope_begin();
            continue;
        case OP_BLOCKS: {
            Tensor counters = from_tensor_arg(orch_args.tensor(from));
            Tensor marks = from_tensor_arg(orch_args.tensor(to));
            job.add_no_dep(counters);
            job.add_inout(marks);
            const uint64_t lines = lanes == LANES_CLUSTER ? 3 : 1;
            job.add_scalar(lines, addend != 0 ? lines * factor : uint64_t{0}, uint64_t{MODE_MARK}, uint64_t{0});
            job.launch_spec.set_block_num(static_cast<int16_t>(factor));
            job.launch_spec.set_require_sync_start(addend != 0);
            rt_submit_task(kernels_of(kernel, lanes), job);
            continue;
        }
        case OP_DEFER: {
            Tensor counter = from_tensor_arg(orch_args.tensor(from));
            Tensor token = from_tensor_arg(orch_args.tensor(to));
            job.add_no_dep(counter);
            job.add_inout(token);
            job.add_scalar(factor, addend, uint64_t{MODE_DEFER}, aux);
            rt_submit_task(kernels_of(kernel, lanes), job);
            continue;
        }
        case OP_SEND: {
            Tensor counter = from_tensor_arg(orch_args.tensor(from));
            job.add_no_dep(counter, counter);
            job.add_scalar(factor, addend, uint64_t{MODE_SEND}, aux);
            rt_submit_task(kernels_of(kernel, lanes), job);
            continue;
        }
        default: {
            Tensor source = from_tensor_arg(orch_args.tensor(from));
            Tensor target = from_tensor_arg(orch_args.tensor(to));
            if (from == to) {
                job.add_no_dep(source);
                job.add_inout(target);
            } else {
                // Readers and later writers are not ordered by themselves; who updates is.
                job.add_inout(source, target);
            }
            job.add_scalar(factor, addend, mode, aux);
            rt_submit_task(kernels_of(kernel, lanes), job);
        }
        }
    }
}
}
