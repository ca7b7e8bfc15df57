// What the kernels of these scenes share: their arguments, the runs of a view, and waiting that ends.
//
// Everything is scalar code for the simulator. A kernel reaches a view through runs: a run is the elements that lie
// side by side along the last axis, so that views of any rank and with any origin are walked the same way.
#pragma once

#include <cstdint>

#include <pto/pto-inst.hpp>

#include "intrinsic.h"
#include "pipe_sync.h"
#include "tensor.h"

#include <chrono>
#include <thread>

static inline __aicore__ __gm__ Tensor *tensor(__gm__ int64_t *args, int index) {
    return reinterpret_cast<__gm__ Tensor *>(args[index]);
}

template <typename T>
static inline __aicore__ T scalar(__gm__ int64_t *args, int index) {
    return from_u64<T>(static_cast<uint64_t>(args[index]));
}

// The first element of a view.
template <typename T>
static inline __aicore__ __gm__ T *cells(const __gm__ Tensor *t) {
    return reinterpret_cast<__gm__ T *>(t->buffer.addr) + t->start_offset;
}

// Elements of one run.
static inline __aicore__ uint32_t run_length(const __gm__ Tensor *t) { return t->shapes[t->ndims - 1]; }

// Runs of a view.
static inline __aicore__ uint32_t run_count(const __gm__ Tensor *t) {
    uint32_t count = 1;
    for (uint32_t dim = 0; dim + 1 < t->ndims; dim++) count *= t->shapes[dim];
    return count;
}

// The first element of run `index`, counted in C order.
template <typename T>
static inline __aicore__ __gm__ T *run(const __gm__ Tensor *t, uint32_t index) {
    const uint32_t *raw = t->get_raw_shapes();
    uint64_t at = 0;
    uint64_t pitch = raw[t->ndims - 1];
    for (uint32_t dim = t->ndims - 1; dim-- > 0;) {
        at += index % t->shapes[dim] * pitch;
        index /= t->shapes[dim];
        pitch *= raw[dim];
    }
    return cells<T>(t) + at;
}

// Waits until the counter has reached `wanted`. A test that failed to bring that about must end: false after 20 s.
static inline __aicore__ bool wait_at_least(__gm__ int32_t *counter, int32_t wanted) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (__atomic_load_n(counter, __ATOMIC_ACQUIRE) < wanted) {
        if (std::chrono::steady_clock::now() > give_up) return false;
        std::this_thread::yield();
    }
    return true;
}

// Everything written before is visible to whoever sees the counter.
static inline __aicore__ void publish(__gm__ int32_t *counter, int32_t value) {
    __atomic_store_n(counter, value, __ATOMIC_RELEASE);
}

static inline __aicore__ void add_to(__gm__ int32_t *counter, int32_t value) {
    __atomic_fetch_add(counter, value, __ATOMIC_ACQ_REL);
}

// Keeps the core busy, as a real kernel of that length would.
static inline __aicore__ void compute_for(uint32_t nanoseconds) {
    if (nanoseconds == 0) return;
    const auto end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(nanoseconds);
    while (std::chrono::steady_clock::now() < end) {
    }
}
