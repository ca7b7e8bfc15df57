// The everyday style: entry and config, tiles of a matrix, scopes, mixed kernels, chains of updates.
#include <stdint.h>

#include "pto_orchestration_api.h"

#include "checks.h"

#define FUNC_MIX_CUBE 0
#define FUNC_MIX_VECTOR 1
#define FUNC_ADD 2
#define FUNC_SCALE 3
#define FUNC_SCALE_CUBE 4
#define N_UNROLL 2

extern "C" {

static constexpr uint32_t TILE = 64;
static constexpr uint32_t GRID_M = 2;

static uint64_t cycles_to_us(uint64_t cycles) { return cycles / 50; }

// The cube core makes a scaled copy of `part`; each vector core adds its half of `b` to `sum`.
static TaskOutputTensors submit_mix(const Tensor &part, const Tensor &b, const Tensor &sum, uint64_t factor_bits) {
    uint32_t shape[2] = {TILE, TILE};
    TensorCreateInfo product(shape, 2, DataType::FLOAT32);
    product.set_initial_value(0.0f);
    MixedKernels mk;
    mk.aic_kernel_id = FUNC_MIX_CUBE;
    mk.aiv0_kernel_id = FUNC_MIX_VECTOR;
    mk.aiv1_kernel_id = FUNC_MIX_VECTOR;
    Arg args;
    args.add_input(part, b);
    args.add_output(product);
    args.add_inout(sum);
    args.add_scalar(factor_bits);
    return rt_submit_task(mk, args);
}

__attribute__((visibility("default"))) PTO2OrchestrationConfig aicpu_orchestration_config(
    const ChipStorageTaskArgs &orch_args
) {
    (void)orch_args;
    return PTO2OrchestrationConfig{
        .expected_arg_count = 7,
    };
}

__attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    Tensor a = from_tensor_arg(orch_args.tensor(0));
    Tensor b = from_tensor_arg(orch_args.tensor(1));
    Tensor out = from_tensor_arg(orch_args.tensor(2));
    Tensor chain = from_tensor_arg(orch_args.tensor(3));
    Tensor lengths = from_tensor_arg(orch_args.tensor(4));
    uint64_t scale_bits = orch_args.scalar(1);
    float scale = from_u64<float>(scale_bits);
    uint64_t rows = orch_args.tensor(0).shapes[0];
    uint64_t wide = std::min(rows, 128UL);
    CHECK(wide == 128 && scale == 2.0f && orch_args.tensor(4).data_as<int32_t>()[1] == 40);
    LOG_INFO_V0("rows=%llu scale=%f", static_cast<unsigned long long>(wide), static_cast<double>(scale));

    for (uint32_t m = 0; m < GRID_M; m++) {
        PTO2_SCOPE() {
            uint32_t tile[2] = {TILE, TILE};
            uint32_t at[2] = {m * TILE, 0};
            Tensor part = a.view(tile, at);
            Tensor goal = out.view(tile, at);
            TaskOutputTensors made = submit_mix(part, b, goal, scale_bits);
            const Tensor &product = made.get_ref(0);
            Tensor copy = made.get_ref(0);
            uint32_t half[2] = {TILE / 2, TILE};
            uint32_t zero[2] = {0, 0};
            Tensor top = product.view(half, zero);

            Arg add;
            for (int i = 0; i < N_UNROLL; i++) {
                add.reset();
                add.add_input(top);
                add.add_input(copy);
                add.add_inout(goal);
                add.add_scalar(i);
                add.add_scalar(static_cast<int64_t>(cycles_to_us(100)));
                rt_submit_aiv_task(FUNC_ADD, add);
            }
            if (m == 1) continue;
            LOG_INFO_V9("tile %u", m);
        }
    }

    // Three times by a factor of three, in an order that only the task ids say.
    PTO2TaskId last = PTO2TaskId::invalid();
    PTO2_SCOPE(PTO2ScopeMode::MANUAL) {
        uint32_t some[1] = {TILE};
        TensorCreateInfo scratch(some, 1);
        scratch.set_initial_value(1.0f);
        TaskOutputTensors pool = alloc_tensors(scratch, scratch, scratch);
        PTO2TaskId unset;
        for (int step = 0; step < 3; step++) {
            Arg update;
            update.add_input(pool.get_ref(static_cast<uint32_t>(step)));
            update.add_output(step < 2 ? pool.get_ref(static_cast<uint32_t>(step) + 1) : chain);
            update.add_scalar(3.0f);
            update.add_dep(pool.task_id());
            if (last.is_valid()) update.add_dep(last);
            unset = step < 2 ? rt_submit_aiv_task(FUNC_SCALE, update).task_id()
                             : rt_submit_aic_task(FUNC_SCALE_CUBE, update).task_id();
            last = unset;
        }
        CHECK(last.is_valid());
    }

    uint32_t where[2] = {1, 0};
    int32_t value = get_tensor_data<int32_t>(lengths, 2, where);
    CHECK(value == 40);
    set_tensor_data<int32_t>(lengths, 2, where, value + 1);
    for (int round = 0; round < 2; round++) {
        PTO2_SCOPE_GUARD();
        Arg again;
        again.add_input(chain);
        again.add_output(chain);
        again.add_scalar(0.5f);
        again.add_dep(last);
        again.launch_spec.set_require_sync_start(true);
        rt_submit_aiv_task(FUNC_SCALE, again);
    }
    report(orch_args.scalar(0));
}
}
