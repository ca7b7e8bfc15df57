// Says who it is, submits as many tasks as it is told, and fails if it is told to.
#include "pto_orchestration_api.h"

extern "C" __attribute__((visibility("default"))) void aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    const unsigned long long who = orch_args.scalar(0);
    for (uint64_t task = 0; task < orch_args.scalar(1); task++) rt_submit_aiv_task(0, Arg{});
    LOG_WARN("device %llu is at work", who);
    if (orch_args.scalar(2) == 0) return;
    LOG_ERROR("device %llu is about to fail", who);
    rt_report_fatal(PTO2_ERROR_EXPLICIT_ORCH_FATAL, "device %llu fails", who);
}
