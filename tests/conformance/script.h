// The script that a run's scalars hold: a number of steps, then the steps. `tests/src/conformance/script.rs` writes it.
#pragma once

#include <stdint.h>

// Words of one step.
#define STEP_WORDS 7

enum Op : uint64_t {
    OP_TASK = 0,    // to = factor * from + addend
    OP_BLOCKS = 1,  // marks[to] by `factor` blocks; with `addend` they all start together
    OP_FATAL = 2,   // the orchestration reports code `factor`
    OP_THROW = 3,   // it throws
    OP_STUCK = 4,   // it does not return before the word at `aux` is set
    OP_OPEN = 5,    // it opens a scope and leaves it open
    OP_DEFER = 6,   // a task that completes when counter `from` has reached `factor`
    OP_SEND = 7,    // adds one to counter `from`
};

enum Lanes : uint64_t { LANES_VECTOR = 0, LANES_CUBE = 1, LANES_CLUSTER = 2 };

// What a kernel does.
enum Mode : uint64_t {
    MODE_COMPUTE = 0,
    MODE_FAIL = 1,    // throws
    MODE_STUCK = 2,   // does not return before the word at `aux` is set
    MODE_BEYOND = 3,  // writes one element behind the end of `to`
    MODE_MARK = 4,
    MODE_DEFER = 5,
    MODE_SEND = 6,
};
