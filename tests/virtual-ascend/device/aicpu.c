// Plays the control CPUs of a device: the vendor's scheduler process with its extension library.
//
// Knows what the public sources of that library show: three offsets, three names, one image per process.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include "wire.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

typedef int (*Entry)(void *);

static struct {
    int saved;
    void *handle;
    Entry start, init, serve;
} image;

static int threshold = 2;

__attribute__((visibility("default"))) int32_t CheckLogLevel(int32_t module, int32_t level) {
    (void)module;
    return level >= threshold;
}

__attribute__((visibility("default"))) void DlogRecord(int32_t module, int32_t level, const char *format, ...) {
    va_list arguments;
    (void)module;
    if (level < threshold) {
        return;
    }
    va_start(arguments, format);
    char line[1024];
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fprintf(stderr, "[virtual aicpu %d] %s\n", level, line);
}

// Control CPUs that kernels may use, as the chip sees it; what the driver says on the host is another matter.
static unsigned processors_of_the_chip;

__attribute__((visibility("default"))) int32_t halGetDeviceInfo(uint32_t device, int32_t module, int32_t info,
                                                                int64_t *value) {
    if (device != 0 || module != 1 || info != 8) {
        return 0xfffe;
    }
    *value = ((1ll << processors_of_the_chip) - 1) << 3;
    return 0;
}

static int fail(struct answer *reply, const char *what) {
    const char *why = dlerror();
    snprintf(reply->text, sizeof reply->text, "%s: %s", what, why ? why : strerror(errno));
    return -1;
}

static uint64_t word(uint64_t address) { return *(volatile uint64_t *)(uintptr_t)address; }

// Saves the image of the first call and opens it; a later, different one is ignored without a word.
static int open_image(uint64_t args, struct answer *reply) {
    if (image.saved) {
        return 0;
    }
    const uint64_t device_args = word(args + 40);
    const uint64_t start = word(device_args + 96), bytes = word(device_args + 104);
    const unsigned device = (unsigned)(word(device_args + 112) & 0xff);
    char path[128];
    const char *directory = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/libvirtual_server%u_%d.so", directory ? directory : "/tmp", device, (int)getpid());
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    if (file < 0) {
        return fail(reply, path);
    }
    for (uint64_t done = 0; done < bytes;) {
        ssize_t now = write(file, (const char *)(uintptr_t)start + done, bytes - done);
        if (now <= 0) {
            return fail(reply, path);
        }
        done += (uint64_t)now;
    }
    close(file);
    image.saved = 1;
    image.handle = dlopen(path, RTLD_LAZY | RTLD_DEEPBIND);
    unlink(path);
    if (!image.handle) {
        return fail(reply, "dlopen");
    }
    image.start = (Entry)dlsym(image.handle, "StaticTileFwkBackendKernelServer");
    image.init = (Entry)dlsym(image.handle, "DynTileFwkBackendKernelServerInit");
    image.serve = (Entry)dlsym(image.handle, "DynTileFwkBackendKernelServer");
    if (!image.start || !image.init || !image.serve) {
        return fail(reply, "a symbol is missing");
    }
    return 0;
}

struct calls {
    struct cpu_launch launch;
    unsigned next;
    unsigned thread;
    int failed;
};

// Keeps the calling thread on one processor of those that this process may use.
static void pin(unsigned thread) {
    cpu_set_t all, own;
    if (sched_getaffinity(0, sizeof all, &all) != 0) {
        return;
    }
    for (int processor = 0; processor < CPU_SETSIZE; ++processor) {
        if (CPU_ISSET(processor, &all) && thread-- == 0) {
            CPU_ZERO(&own);
            CPU_SET(processor, &own);
            sched_setaffinity(0, sizeof own, &own);
            return;
        }
    }
}

static void *work(void *argument) {
    struct calls *calls = argument;
    if (calls->launch.pinned) {
        pin(__atomic_fetch_add(&calls->thread, 1, __ATOMIC_SEQ_CST));
    }
    while (__atomic_fetch_add(&calls->next, 1, __ATOMIC_SEQ_CST) < calls->launch.threads) {
        if (image.serve((void *)(uintptr_t)calls->launch.args) != 0) {
            __atomic_store_n(&calls->failed, 1, __ATOMIC_SEQ_CST);
        }
    }
    return NULL;
}

static int serve(const struct cpu_launch *launch, struct answer *reply) {
    processors_of_the_chip = launch->processors;
    if (launch->sabotage == 1) {
        return 1;
    }
    if (launch->sabotage == 2) {
        abort();
    }
    while (launch->sabotage == 3) {
        sleep(1);
    }
    if (launch->sabotage == 4) {
        return 0;
    }
    if (strcmp(launch->library, "libaicpu_extend_kernels.so") != 0) {
        snprintf(reply->text, sizeof reply->text, "no library %.64s", launch->library);
        return -1;
    }
    if (strcmp(launch->kernel, "DynTileFwkKernelServerInit") == 0) {
        if (open_image(launch->args, reply) != 0) {
            return -1;
        }
        return image.init((void *)(uintptr_t)launch->args) == 0 ? 0 : 1;
    }
    if (strcmp(launch->kernel, "DynTileFwkKernelServer") != 0 || !image.serve) {
        snprintf(reply->text, sizeof reply->text, "no kernel %.64s", launch->kernel);
        return -1;
    }
    struct calls calls = {*launch, 0, 0, 0};
    pthread_t threads[16];
    unsigned processors = launch->processors < 16 ? launch->processors : 16;
    for (unsigned index = 0; index < processors; ++index) {
        if (pthread_create(&threads[index], NULL, work, &calls) != 0) {
            return fail(reply, "pthread_create");
        }
    }
    for (unsigned index = 0; index < processors; ++index) {
        pthread_join(threads[index], NULL);
    }
    return calls.failed ? 1 : 0;
}

// Ends the process when whoever asks has gone, whatever the device is doing.
static void *watch(void *socket) {
    struct pollfd other = {(int)(intptr_t)socket, 0, 0};
    while (poll(&other, 1, -1) < 0 || !(other.revents & (POLLHUP | POLLERR))) {
    }
    _exit(1);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        return 2;
    }
    const char *level = getenv("ASCEND_GLOBAL_LOG_LEVEL");
    if (level) {
        threshold = atoi(level);
    }
    const int memory = atoi(argv[1]), socket = atoi(argv[2]);
    void *wanted = (void *)(uintptr_t)ARENA_BASE;
    void *got = mmap(wanted, ARENA_BYTES, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_NORESERVE, memory, 0);
    if (got != wanted) {
        perror("virtual aicpu: device memory");
        return 1;
    }
    pthread_t watcher;
    if (pthread_create(&watcher, NULL, watch, (void *)(intptr_t)socket) != 0) {
        return 1;
    }
    struct cpu_launch launch;
    while (recv(socket, &launch, sizeof launch, 0) == (ssize_t)sizeof launch) {
        struct answer reply = {0};
        reply.code = serve(&launch, &reply);
        if (send(socket, &reply, sizeof reply, 0) < 0) {
            break;
        }
    }
    _exit(0);
}
