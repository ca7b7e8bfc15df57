// Plays the compute cores of a device: one thread per core of a launch, running the project's core program.

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#ifdef __x86_64__
#include <asm/prctl.h>
#endif
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "aicore_shim.h"
#include "registers.h"
#include "wire.h"

extern "C" void a2a3_aic(void *);
extern "C" void a2a3_aiv(void *);
extern "C" void a5_aic(void *);
extern "C" void a5_aiv(void *);

thread_local VirtualCore virtual_core;

extern "C" void virtual_core_rest(void) {
    if (++virtual_core.looks < 64) {
        return;
    }
    if (virtual_core.looks < 256) {
        sched_yield();
        return;
    }
    const timespec nap = {0, 50 * 1000};
    nanosleep(&nap, nullptr);
}

// What kernels written for the simulator ask; the simulator's own answers, each thread told where it is.
extern "C" void pto_cpu_sim_bind_device(int device);
extern "C" void pto_cpu_sim_acquire_device(int device);
extern "C" void *pto_sim_get_pipe_shared_state(uint64_t key, size_t size);
extern "C" uint32_t pto_sim_get_subblock_id(void);
void sim_context_set_subblock_id(uint32_t lane);
void sim_context_set_cluster_id(uint32_t cluster);
void clear_cpu_sim_shared_storage();

static void tell_where(uint32_t cluster, uint32_t lane) {
    pto_cpu_sim_bind_device(0);
    sim_context_set_cluster_id(cluster);
    sim_context_set_subblock_id(lane);
}

// A shared object in the place of a core's code: this head, then its bytes. Everything else at the address of a kernel
// is the code itself.
struct Boxed {
    char magic[8];
    uint64_t bytes;
    uint64_t id;
};

// Where a core jumps to.
typedef void (*Kernel)(int64_t *);

static std::mutex kernels_lock;
static std::map<uint64_t, Kernel> kernels;

static Kernel load(const Boxed *boxed) {
    std::lock_guard<std::mutex> guard(kernels_lock);
    auto known = kernels.find(boxed->id);
    if (known != kernels.end()) {
        return known->second;
    }
    int file = static_cast<int>(syscall(SYS_memfd_create, "kernel", 0));
    const char *bytes = reinterpret_cast<const char *>(boxed + 1);
    uint64_t written = 0;
    while (written < boxed->bytes) {
        ssize_t now = write(file, bytes + written, boxed->bytes - written);
        if (now <= 0) {
            return nullptr;
        }
        written += static_cast<uint64_t>(now);
    }
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        fprintf(stderr, "virtual core: %s\n", dlerror());
        return nullptr;
    }
    typedef void (*Register)(void *, void *);
    if (void *hooks = dlsym(handle, "pto_sim_register_hooks")) {
        reinterpret_cast<Register>(hooks)(reinterpret_cast<void *>(pto_sim_get_subblock_id),
                                          reinterpret_cast<void *>(pto_sim_get_pipe_shared_state));
    }
    Kernel kernel = reinterpret_cast<Kernel>(dlsym(handle, "kernel_entry"));
    kernels[boxed->id] = kernel;
    return kernel;
}

// How far a core looks ahead of a jump: where instruction and data caches differ, so much is read anew.
constexpr uint64_t kFetched = 64 << 10;

// Code where it lies: device memory is executable, so that a new kernel at an old address is the new one.
static Kernel in_place(uint64_t address) {
    char *code = reinterpret_cast<char *>(address);
    const uint64_t left = ARENA_BASE + ARENA_BYTES - address;
    __builtin___clear_cache(code, code + (left < kFetched ? left : kFetched));
    return reinterpret_cast<Kernel>(code);
}

// Where whoever asks is told.
static int asker = -1;

// A core that cannot go on says why and takes the others with it, as the fault of a core ends a launch.
[[noreturn]] static void give_up(uint64_t address, const char *why) {
    answer reply = {};
    reply.code = 1;
    snprintf(reply.text, sizeof reply.text, "a core was sent to %#llx: %s", static_cast<unsigned long long>(address),
             why);
    if (send(asker, &reply, sizeof reply, 0) < 0) {
        perror(reply.text);
    }
    _exit(1);
}

// What is surely no code, whatever machine it is for.
static const char *no_code(uint64_t address) {
    if (address < ARENA_BASE || address > ARENA_BASE + ARENA_BYTES - sizeof(Boxed)) {
        return "the address is outside of device memory";
    }
    unsigned char head[16];
    memcpy(head, reinterpret_cast<const void *>(address), sizeof head);
    for (unsigned char byte : head) {
        if (byte != head[0]) {
            return nullptr;
        }
    }
    switch (head[0]) {
        case 0: return "there are only zeros";
        case FRESH: return "the memory was never written";
        case FREED: return "the memory was freed";
        default: return nullptr;
    }
}

extern "C" void virtual_core_call(uint64_t address, int64_t *words) {
    if (const char *why = no_code(address)) {
        give_up(address, why);
    }
    const Boxed *boxed = reinterpret_cast<const Boxed *>(address);
    Kernel kernel = memcmp(boxed->magic, "VASCEND", 8) == 0 ? load(boxed) : in_place(address);
    if (!kernel) {
        give_up(address, "the shared object there does not load");
    }
    virtual_core.looks = 0;
    kernel(words);
    virtual_core.looks = 0;
}

#ifdef __x86_64__

// The registers of a core, for code that was uploaded.
thread_local core_registers own_registers;

static void set_cond(uint32_t status) { simpler::write_status(status); }
static void invalidate() { simpler::invalidate_line(&own_registers); }
static uint64_t sys_cnt_a2a3() { return host_time(50000000u); }
static uint64_t sys_cnt_a5() { return host_time(1000000000u); }

extern "C" void virtual_core_look(void) { own_registers.data_main_base = simpler::read_token(); }
extern "C" void virtual_core_read_token(void);

// To whoever reads the register, one instruction: all that a call may change is kept.
__asm__(R"(
.text
virtual_core_read_token:
    pushq %rbp
    movq %rsp, %rbp
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    subq $512, %rsp
    andq $-16, %rsp
    fxsave64 (%rsp)
    call virtual_core_look@PLT
    fxrstor64 (%rsp)
    leaq -72(%rbp), %rsp
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rax
    popq %rbp
    ret
)");

static void set_registers(const VirtualCore &core, bool a5) {
    own_registers = {};
    own_registers.self = &own_registers;
    own_registers.read_data_main_base = virtual_core_read_token;
    own_registers.set_cond = set_cond;
    own_registers.invalidate = invalidate;
    own_registers.get_sys_cnt = a5 ? sys_cnt_a5 : sys_cnt_a2a3;
    own_registers.coreid = core.physical_id;
    own_registers.block_idx = core.block_index;
    own_registers.block_num = core.block_count;
    own_registers.subblockid = core.lane_index;
    own_registers.subblockdim = simpler::lane_count();
    if (syscall(SYS_arch_prctl, ARCH_SET_GS, &own_registers) != 0) {
        perror("virtual core: a base for %gs");
        abort();
    }
}

#else

static void set_registers(const VirtualCore &, bool) {}

#endif

static void run_core(const core_launch &launch, uint32_t block, uint32_t lane) {
    const bool a5 = launch.family == 1;
    const uint32_t cluster = launch.clusters[block];
    const uint64_t base = launch.registers + cluster * (a5 ? 0x300000ull : 0x800000ull) + lane * 0x100000ull;
    VirtualCore core = {};
    core.token = reinterpret_cast<uint32_t *>(base + (a5 ? 0xd0 : 0xa0));
    core.status = reinterpret_cast<uint32_t *>(base + (a5 ? 0x5108 : 0x4c8));
    if (a5) {
        const uint32_t die = cluster / 18, within = cluster % 18;
        core.physical_id = die * 54 + (lane == 0 ? within : 18 + 2 * within + lane - 1);
    } else {
        core.physical_id = lane == 0 ? cluster : 25 + 2 * cluster + lane - 1;
    }
    // The hardware puts more than the id into the register.
    core.physical_id |= 0x5000;
    core.block_index = block;
    core.block_count = launch.blocks;
    core.lane_index = lane == 0 ? 0 : lane - 1;
    virtual_core = core;
    set_registers(core, a5);
    tell_where(cluster, core.lane_index);
    void *argument = reinterpret_cast<void *>(launch.argument);
    const uint64_t entry = launch.entries[lane == 0 ? 0 : 1];
    if (entry != 0) {
        reinterpret_cast<void (*)(void *)>(in_place(entry))(argument);
    } else if (a5) {
        (lane == 0 ? a5_aic : a5_aiv)(argument);
    } else {
        (lane == 0 ? a2a3_aic : a2a3_aiv)(argument);
    }
}

int main(int argc, char **argv) {
    if (argc != 3) {
        return 2;
    }
    const int memory = atoi(argv[1]), socket = atoi(argv[2]);
    asker = socket;
    void *wanted = reinterpret_cast<void *>(ARENA_BASE);
    void *got = mmap(wanted, ARENA_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
                     MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_NORESERVE, memory, 0);
    if (got != wanted) {
        perror("virtual core: device memory");
        return 1;
    }
    // Ends the process when whoever asks has gone, whatever the cores are doing.
    std::thread([socket] {
        pollfd other = {socket, 0, 0};
        while (poll(&other, 1, -1) < 0 || !(other.revents & (POLLHUP | POLLERR))) {
        }
        _exit(1);
    }).detach();
    pto_cpu_sim_acquire_device(0);
    pto_cpu_sim_bind_device(0);
    core_launch launch;
    while (recv(socket, &launch, sizeof launch, 0) == static_cast<ssize_t>(sizeof launch)) {
        clear_cpu_sim_shared_storage();
        std::vector<std::thread> cores;
        const uint32_t count = launch.blocks * 3;
        for (uint32_t worker = 0; worker < count; ++worker) {
            if (worker >= count - launch.mute) {
                continue;
            }
            cores.emplace_back(run_core, std::cref(launch), worker / 3, worker % 3);
        }
        for (auto &core : cores) {
            core.join();
        }
        answer reply = {};
        if (send(socket, &reply, sizeof reply, 0) < 0) {
            break;
        }
    }
    _exit(0);
}
