// What every core runs: meet the control CPU, then execute tokens until told to leave.
//
// Knows the handshake, the two registers and the payload. The chip's own instructions come from
// intrinsics.h, so that the same text runs on a chip (built by ccec) and on a host (built against the
// shim of the virtual Ascend).
//
// Cache rules on a chip: a line that another agent writes is invalidated before it is read; a line that
// another agent reads is cleaned after it was written. The control CPU and the core take strict turns in
// the handshake record, which is one line.
#pragma once

#include "layout.h"

namespace simpler {

constexpr uint32_t kTokenExit = 0x7ffffff0u;
constexpr uint32_t kTokenIdle = 0x7ffffffdu;
constexpr uint32_t kStatusIdle = 0xffffffffu;
constexpr uint32_t kStatusExited = 0xfffffffeu;
constexpr uint32_t kStatusFinished = 0x80000000u;
constexpr uint32_t kTokenMask = 0x7fffffffu;
constexpr uint32_t kCoreIdMask = 0xfffu;

// Waits until the control CPU has raised `word`, which lies in `record`.
SIMPLER_CORE void await_word(__gm__ Handshake *record, __gm__ volatile uint32_t *word) {
    do {
        invalidate_line(record);
    } while (*word == 0);
}

// Steps 1 to 5 of the handshake; returns where the core's payload pair is.
SIMPLER_CORE __gm__ Payload *meet(__gm__ Handshake *record, uint32_t worker, int32_t core_type) {
    await_word(record, &record->aicpu_ready);
    record->physical_core_id = physical_core_id() & kCoreIdMask;
    barrier();
    record->aicore_regs_ready = 1;
    clean_line(record);
    await_word(record, &record->aicpu_regs_ready);
    write_status(kStatusIdle);
    record->core_type = core_type;
    barrier();
    record->aicore_done = worker + 1;
    clean_line(record);
    return reinterpret_cast<__gm__ Payload *>(record->task);
}

// The words of a call lie in the payload, or elsewhere if there are more than it holds.
SIMPLER_CORE __gm__ int64_t *words_of(__gm__ Payload *payload) {
    if (payload->tensor_count + payload->scalar_count > kInlineWords) {
        return reinterpret_cast<__gm__ int64_t *>(payload->args[0]);
    }
    return reinterpret_cast<__gm__ int64_t *>(payload->args);
}

// Where a call is written down. What other programs leave in the payload there means nothing.
SIMPLER_CORE __gm__ CallRecord *record_of(__gm__ Payload *payload) {
    return reinterpret_cast<__gm__ CallRecord *>(kPayloadsAreOurs ? payload->record : 0);
}

// Writes down when a call starts, and that it has not ended; the line is the core's own.
SIMPLER_CORE void stamp_start(__gm__ CallRecord *record) {
    record->start = counter();
    clean_line(&record->start);
}

SIMPLER_CORE void stamp_end(__gm__ CallRecord *record) {
    record->end = counter();
    clean_line(&record->start);
}

SIMPLER_CORE void execute(__gm__ Handshake *record, uint32_t worker, int32_t core_type) {
    __gm__ Payload *pair = meet(record, worker, core_type);
    uint32_t last = kTokenIdle;
    for (;;) {
        const uint32_t token = read_token();
        if (token == kTokenExit) {
            break;
        }
        if (token == kTokenIdle || token == last) {
            continue;
        }
        // Payload and inputs may be in the cache from an earlier call.
        invalidate_all();
        write_status(token & kTokenMask);
        __gm__ Payload *payload = pair + (token & 1u);
        __gm__ CallRecord *record = record_of(payload);
        if (record != nullptr) {
            stamp_start(record);
        }
        if (payload->function_bin_addr != 0) {
            call_kernel(payload->function_bin_addr, words_of(payload));
        }
        // Everything the kernel started is done before anyone hears of it.
        drain_pipes();
        if (record != nullptr) {
            stamp_end(record);
        }
        barrier();
        write_status((token & kTokenMask) | kStatusFinished);
        last = token;
    }
    write_status(kStatusExited);
}

}  // namespace simpler
