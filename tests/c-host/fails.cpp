// Ends its run with a code of its own.
#include <stdint.h>

#include "pto_orchestration_api.h"

extern "C" __attribute__((visibility("default"))) void
aicpu_orchestration_entry(const ChipStorageTaskArgs &orch_args) {
    (void)orch_args;
    rt_report_fatal(42, "on purpose");
}
