// The program of simulated compute cores, in two forms.
//
// With our host runtime a core takes its token and acknowledges it in the simulator; what remains of its work
// is to call the kernel, and to keep what the kernel throws away from the simulator's frames. A host runtime
// of another build gives each core a thread and registers in memory: it runs the loop that a chip's cores run.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>

#include "../../aicore-abi/aicore/executor.h"

#define EXPORT __attribute__((visibility("default")))

namespace {

// Where the reference's run descriptor has what a core reads of it.
#ifdef SIMPLER_FAMILY_A5
constexpr std::size_t kWorkerCount = 6912;
[[maybe_unused]] constexpr std::size_t kTasks = 6920;
#else
constexpr std::size_t kWorkerCount = 4608;
[[maybe_unused]] constexpr std::size_t kTasks = 4616;
#endif

std::int32_t workers_of(const void *runtime) {
    return *reinterpret_cast<const std::int32_t *>(static_cast<const char *>(runtime) + kWorkerCount);
}

using SetIdentity = void (*)(std::uint32_t);
SetIdentity set_lane = nullptr;
SetIdentity set_cluster = nullptr;

// Tells the hooks of kernels which core this thread is: cube cores come first, then two vector cores for each.
void identify(const void *runtime, std::uint32_t worker) {
    const auto clusters = static_cast<std::uint32_t>(workers_of(runtime)) / 3;
    const bool cube = worker < clusters;
    if (set_cluster != nullptr) set_cluster(cube ? worker : (worker - clusters) / 2);
    if (set_lane != nullptr) set_lane(cube ? 0 : (worker - clusters) % 2);
}

#ifdef SIMPLER_HBG

struct Task {
    std::int32_t task_id;
    std::int32_t func_id;
    std::uint64_t args[16];
    std::int32_t num_args;
    std::uint64_t function_bin_addr;
    std::uint64_t rest[68];
};
static_assert(sizeof(Task) == 696 && offsetof(Task, function_bin_addr) == 144, "as the reference has it");

// A token is the number of a task in the descriptor.
void execute(char *runtime, std::uint32_t worker, std::int32_t core_type) {
    simpler::meet(reinterpret_cast<simpler::Handshake *>(runtime) + worker, worker, core_type);
    std::uint32_t last = simpler::kTokenIdle;
    for (;;) {
        const std::uint32_t token = simpler::read_token();
        if (token == simpler::kTokenExit) break;
        if (token == simpler::kTokenIdle || token == last) continue;
        simpler::write_status(token);
        auto *task = reinterpret_cast<Task *>(runtime + kTasks) + token;
        if (task->function_bin_addr != 0) {
            simpler::call_kernel(task->function_bin_addr, reinterpret_cast<std::int64_t *>(task->args));
        }
        simpler::barrier();
        simpler::write_status(token | simpler::kStatusFinished);
        last = token;
    }
    simpler::write_status(simpler::kStatusExited);
}

#else

void execute(char *runtime, std::uint32_t worker, std::int32_t core_type) {
    simpler::execute(reinterpret_cast<simpler::Handshake *>(runtime) + worker, worker, core_type);
}

#endif

void play(void *runtime, int worker, std::int32_t core_type, std::uint32_t physical_core_id, std::uint64_t regs) {
    // A core without registers hears nothing, not even that it is to leave.
    if (runtime == nullptr || regs == 0) return;
    const auto number = static_cast<std::uint32_t>(worker);
    const std::uint64_t base = reinterpret_cast<const std::uint64_t *>(regs)[physical_core_id];
    simpler::self = {base, physical_core_id, simpler::kTokenIdle};
    identify(runtime, number);
    execute(static_cast<char *>(runtime), number, core_type);
    simpler::self = {};
}

}  // namespace

extern "C" {

// What both sides must have been built with, and for whom.
EXPORT extern const std::uint64_t simpler_protocol_digest = SIMPLER_DIGEST;
EXPORT extern const char simpler_aicore_family[] = SIMPLER_FAMILY;

EXPORT bool simpler_aicore_call(void (*kernel)(const void *), const void *args, char *text, std::size_t capacity) {
    try {
        kernel(args);
        return true;
    } catch (const std::exception &exception) {
        std::snprintf(text, capacity, "%s", exception.what());
    } catch (...) {
        std::snprintf(text, capacity, "an object that is no std::exception");
    }
    return false;
}

EXPORT void set_sim_core_identity_helpers(void *set_subblock_id, void *set_cluster_id) {
    set_lane = reinterpret_cast<SetIdentity>(set_subblock_id);
    set_cluster = reinterpret_cast<SetIdentity>(set_cluster_id);
}

#ifdef SIMPLER_FAMILY_A5
EXPORT void aicore_execute_wrapper(void *runtime, int block_idx, std::int32_t core_type,
                                   std::uint32_t physical_core_id, std::uint64_t regs) {
    play(runtime, block_idx, core_type, physical_core_id, regs);
}
#else
// Records of the swimlanes are not kept: the ring stays as it is.
EXPORT void aicore_execute_wrapper(void *runtime, int block_idx, std::int32_t core_type,
                                   std::uint32_t physical_core_id, std::uint64_t regs, std::uint32_t, std::uint64_t) {
    play(runtime, block_idx, core_type, physical_core_id, regs);
}
#endif

#ifdef SIMPLER_TRB
// Takes the runtime that orchestrations are bound to: a core has none.
EXPORT void framework_bind_runtime(void *) {}
#endif
}
