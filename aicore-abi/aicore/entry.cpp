// The entries of the core program.
//
// Compiled once for each kind of core; the two objects are linked into one ELF, in which the suffixes tell
// the launcher that a block is one cube core and two vector cores. Every other function is static, so that
// nothing is defined twice.

#include "executor.h"

#ifndef SIMPLER_ENTRY
#if defined(__DAV_CUBE__)
#define SIMPLER_ENTRY aicore_kernel_0_mix_aic
#else
#define SIMPLER_ENTRY aicore_kernel_0_mix_aiv
#endif
#endif

#if defined(__DAV_CUBE__)
constexpr int32_t kCoreType = 0;
SIMPLER_CORE uint32_t worker_index() { return simpler::block_index(); }
#else
constexpr int32_t kCoreType = 1;
// Vector cores are numbered behind all cube cores.
SIMPLER_CORE uint32_t worker_index() {
    return simpler::block_index() * simpler::lane_count() + simpler::lane_index() + simpler::block_count();
}
#endif

#ifdef SIMPLER_FAMILY_A5

extern "C" __global__ __aicore__ void SIMPLER_ENTRY(__gm__ simpler::Handshake *workers) {
    const uint32_t worker = worker_index();
    simpler::execute(workers + worker, worker, kCoreType);
}

#else

extern "C" __global__ __aicore__ void SIMPLER_ENTRY(__gm__ simpler::KernelArgs *args) {
    simpler::set_cross_core_base(args->ffts_base_addr);
    const uint32_t worker = worker_index();
    auto *workers = reinterpret_cast<__gm__ simpler::Handshake *>(args->runtime_args);
    simpler::execute(workers + worker, worker, kCoreType);
}

#endif
