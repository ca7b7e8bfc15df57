// A host program, written from the description of the C interface alone.
//
//   host LIB_FOLDER RUNTIME_FOLDER PLATFORM RUNTIME ORCHESTRATION FAILING KERNEL [CYCLES]
//
// It walks every guard, then runs, and prints "ok" if all was as described.

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHECK(condition)                                                              \
    do {                                                                              \
        if (!(condition)) {                                                           \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);   \
            exit(1);                                                                  \
        }                                                                             \
    } while (0)

// ---- the interface

struct tensor {
    uint64_t data;
    uint32_t shapes[5];
    uint32_t ndims;
    uint8_t dtype;
    uint8_t child_memory;
};

struct args {
    struct tensor tensors[64];
    uint64_t scalars[128];
    int32_t tensor_count;
    int32_t scalar_count;
};

_Static_assert(sizeof(struct tensor) == 40, "as described");
_Static_assert(sizeof(struct args) == 3592, "as described");

struct api {
    void *library;
    void *(*create_device_context)(void);
    void (*destroy_device_context)(void *);
    size_t (*get_runtime_size)(void);
    int (*simpler_init)(void *, int, int, int);
    int (*finalize_device)(void *);
    void *(*device_malloc_ctx)(void *, size_t);
    void (*device_free_ctx)(void *, void *);
    int (*copy_to_device_ctx)(void *, void *, const void *, size_t);
    int (*copy_from_device_ctx)(void *, void *, const void *, size_t);
    int (*prepare_callable)(void *, int32_t, const void *, int, const uint8_t *, size_t, const uint8_t *, size_t);
    int (*run_prepared)(void *, void *, int32_t, const void *, int, int, int, const uint8_t *, size_t, const uint8_t *,
                        size_t, int, int, int, const char *);
    int (*unregister_callable)(void *, int32_t);
    size_t (*get_aicpu_dlopen_count)(void *);
    size_t (*get_host_dlopen_count)(void *);
    int (*ensure_acl_ready_ctx)(void *, int);
    void *(*create_comm_stream_ctx)(void *);
    int (*destroy_comm_stream_ctx)(void *, void *);
    void *(*comm_init)(int, int, void *, const char *);
    int (*comm_alloc_windows)(void *, size_t, uint64_t *);
    int (*comm_get_local_window_base)(void *, uint64_t *);
    int (*comm_get_window_size)(void *, size_t *);
    int (*comm_barrier)(void *);
    int (*comm_destroy)(void *);
    const char *(*get_platform)(void);
    int (*get_incore_compiler)(void);
    int (*get_orchestration_compiler)(void);
    void (*record_tensor_pair)(void *, void *, void *, size_t);
    int (*prepare_callable_impl)(void *, const void *);
    int (*bind_prepared_to_runtime_impl)(void *, const void *);
    int (*validate_runtime_impl)(void *);
};

static void *symbol(void *library, const char *name) {
    void *address = dlsym(library, name);
    if (!address) fprintf(stderr, "missing: %s\n", name);
    CHECK(address);
    return address;
}

static struct api open_runtime(const char *folder) {
    char path[4096];
    snprintf(path, sizeof path, "%s/libhost_runtime.so", folder);
    struct api api = {0};
    api.library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!api.library) fprintf(stderr, "%s\n", dlerror());
    CHECK(api.library);
#define GET(name) *(void **)&api.name = symbol(api.library, #name)
    GET(create_device_context);
    GET(destroy_device_context);
    GET(get_runtime_size);
    GET(simpler_init);
    GET(finalize_device);
    GET(device_malloc_ctx);
    GET(device_free_ctx);
    GET(copy_to_device_ctx);
    GET(copy_from_device_ctx);
    GET(prepare_callable);
    GET(run_prepared);
    GET(unregister_callable);
    GET(get_aicpu_dlopen_count);
    GET(get_host_dlopen_count);
    GET(ensure_acl_ready_ctx);
    GET(create_comm_stream_ctx);
    GET(destroy_comm_stream_ctx);
    GET(comm_init);
    GET(comm_alloc_windows);
    GET(comm_get_local_window_base);
    GET(comm_get_window_size);
    GET(comm_barrier);
    GET(comm_destroy);
    GET(get_platform);
    GET(get_incore_compiler);
    GET(get_orchestration_compiler);
    GET(record_tensor_pair);
    GET(prepare_callable_impl);
    GET(bind_prepared_to_runtime_impl);
    GET(validate_runtime_impl);
#undef GET
    return api;
}

static void open_companion(const char *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    if (!library) fprintf(stderr, "%s\n", dlerror());
    CHECK(library);
}

// ---- files and images

struct bytes {
    uint8_t *first;
    size_t length;
};

static struct bytes read_file(const char *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s%s%s", folder, *folder ? "/" : "", name);
    FILE *file = fopen(path, "rb");
    if (!file) perror(path);
    CHECK(file);
    fseek(file, 0, SEEK_END);
    struct bytes bytes = {NULL, (size_t)ftell(file)};
    rewind(file);
    bytes.first = malloc(bytes.length + 1);
    CHECK(fread(bytes.first, 1, bytes.length, file) == bytes.length);
    fclose(file);
    return bytes;
}

static void put32(uint8_t *at, uint32_t value) { memcpy(at, &value, sizeof value); }

enum { HEADER = 8596, KERNEL_HEADER = 128 };

// A callable of one orchestration and one kernel under `func_id`.
static uint8_t *callable(struct bytes orchestration, const char *entry, const char *config, struct bytes kernel,
                         int32_t func_id) {
    const size_t child = (orchestration.length + 63) / 64 * 64;
    uint8_t *image = calloc(1, HEADER + child + KERNEL_HEADER + kernel.length);
    put32(image + 260, (uint32_t)orchestration.length);
    strcpy((char *)image + 264, entry);
    put32(image + 328, (uint32_t)strlen(entry));
    put32(image + 332, (uint32_t)func_id);
    put32(image + 4428, (uint32_t)child);
    put32(image + 8524, 1);
    strcpy((char *)image + 8528, config);
    put32(image + 8592, (uint32_t)strlen(config));
    memcpy(image + HEADER, orchestration.first, orchestration.length);
    put32(image + HEADER + child + 68, (uint32_t)kernel.length);
    memcpy(image + HEADER + child + KERNEL_HEADER, kernel.first, kernel.length);
    return image;
}

// ---- one test bench

struct bench {
    const char *runtime_folder;
    int hbg;
    struct bytes aicpu, aicore;
    uint8_t *good, *failing;
    // What cannot be prepared, and what trb finds out about only when it runs.
    uint8_t *bad[8];
    uint8_t *wrong_entry;
};

enum { N = 1000 };

static int run(const struct api *api, void *context, void *buffer, const struct bench *bench, int device, int32_t id,
               const struct args *args, int blocks, int threads) {
    return api->run_prepared(context, buffer, id, args, blocks, threads, device, bench->aicpu.first,
                             bench->aicpu.length, bench->aicore.first, bench->aicore.length, 0, 0, 0, "");
}

static const struct bytes nothing = {NULL, 0};
static const struct bytes text = {(uint8_t *)"no shared object", 16};

static int prepare(const struct api *api, void *context, const struct bench *bench, int32_t id, const uint8_t *image) {
    return api->prepare_callable(context, id, image, 0, bench->aicpu.first, bench->aicpu.length, bench->aicore.first,
                                 bench->aicore.length);
}

static struct tensor tensor(uint32_t *data) {
    struct tensor tensor = {.data = (uint64_t)(uintptr_t)data, .shapes = {N}, .ndims = 1, .dtype = 10};
    return tensor;
}

static struct args *arguments(uint32_t *x, uint32_t *y, uint32_t *out) {
    struct args *args = calloc(1, sizeof *args);
    args->tensors[0] = tensor(x);
    args->tensors[1] = tensor(y);
    args->tensors[2] = tensor(out);
    args->tensor_count = 3;
    return args;
}

// Runs the good callable once and looks at what it computed.
static void run_well(const struct api *api, void *context, const struct bench *bench, int device, int32_t id) {
    void *buffer = malloc(api->get_runtime_size());
    uint32_t *x = malloc(N * 4), *y = malloc(N * 4), *out = calloc(N, 4);
    for (uint32_t i = 0; i < N; i++) x[i] = i, y[i] = 7 * i + 1;
    struct args *args = arguments(x, y, out);
    CHECK(run(api, context, buffer, bench, device, id, args, 2, 2) == 0);
    for (uint32_t i = 0; i < N; i++) CHECK(out[i] == 3 * (3 * i + 7 * i + 1) + 7 * i + 1);
    free(args), free(x), free(y), free(out), free(buffer);
}

static void every_call_refuses(const struct api *api, void *context, const struct bench *bench) {
    char host[8] = {0}, buffer[64];
    struct args *args = calloc(1, sizeof *args);
    CHECK(api->simpler_init(context, 0, 3, 5) != 0);
    CHECK(api->device_malloc_ctx(context, 8) == NULL);
    api->device_free_ctx(context, host);
    CHECK(api->copy_to_device_ctx(context, host, host, 8) == -1);
    CHECK(api->copy_from_device_ctx(context, host, host, 8) == -1);
    CHECK(prepare(api, context, bench, 0, bench->good) == -1);
    CHECK(run(api, context, buffer, bench, 0, 0, args, 1, 2) == -1);
    CHECK(api->unregister_callable(context, 0) == -1);
    CHECK(api->get_aicpu_dlopen_count(context) == 0);
    CHECK(api->get_host_dlopen_count(context) == 0);
    CHECK(api->ensure_acl_ready_ctx(context, 0) == -1);
    CHECK(api->create_comm_stream_ctx(context) == NULL);
    CHECK(api->destroy_comm_stream_ctx(context, NULL) == -1);
    CHECK(api->finalize_device(context) == -1);
    free(args);
}

// What a context that is not attached answers: one that was just made, or was finalized.
static void no_call_works(const struct api *api, void *context, const struct bench *bench) {
    char host[8] = {0}, buffer[64];
    struct args *args = calloc(1, sizeof *args);
    CHECK(api->device_malloc_ctx(context, 8) == NULL);
    api->device_free_ctx(context, host);
    CHECK(api->copy_to_device_ctx(context, host, host, 8) != 0);
    CHECK(api->copy_from_device_ctx(context, host, host, 8) != 0);
    CHECK(prepare(api, context, bench, 0, bench->good) == -1);
    CHECK(run(api, context, buffer, bench, 0, 0, args, 1, 2) == -1);
    CHECK(api->unregister_callable(context, 0) == 0);
    CHECK(api->get_aicpu_dlopen_count(context) == 0);
    free(args);
}

static void guards(const struct api *api, const struct bench *bench, const char *platform) {
    CHECK(strcmp(api->get_platform(), platform) == 0);
    const int is_a5 = strcmp(platform, "a5sim") == 0;
    const size_t a2a3 = bench->hbg ? 92555584 : 22400, a5 = bench->hbg ? 92557888 : 24704;
    CHECK(api->get_runtime_size() == (is_a5 ? a5 : a2a3));

    // In simulation everything is built for the host, and the kernels by g++ 15.
    CHECK(api->get_incore_compiler() == 1 && api->get_orchestration_compiler() == 2);

    // Nothing, something foreign, something destroyed.
    api->destroy_device_context(NULL);
    every_call_refuses(api, NULL, bench);
    int foreign;
    every_call_refuses(api, &foreign, bench);
    void *gone = api->create_device_context();
    api->destroy_device_context(gone);
    every_call_refuses(api, gone, bench);
    api->destroy_device_context(gone);

    // Created and not attached.
    void *context = api->create_device_context();
    CHECK(context);
    char buffer[64], host[8] = "1234567", back[8] = {0};
    struct args *args = calloc(1, sizeof *args);
    no_call_works(api, context, bench);
    CHECK(api->finalize_device(context) == 0);
    CHECK(api->simpler_init(context, -1, 3, 5) == -1);
    no_call_works(api, context, bench);

    // Attached.
    CHECK(api->simpler_init(context, 3, 4, 5) == 0);
    CHECK(api->simpler_init(context, 3, 4, 5) == 0);
    CHECK(api->simpler_init(context, 4, 4, 5) == -1);
    CHECK(api->ensure_acl_ready_ctx(context, 3) == 0);
    CHECK(api->create_comm_stream_ctx(context) == NULL);
    CHECK(api->destroy_comm_stream_ctx(context, NULL) == 0);

    // Memory.
    api->device_free_ctx(context, NULL);
    api->device_free_ctx(context, host);
    void *memory = api->device_malloc_ctx(context, 8);
    CHECK(memory && (uintptr_t)memory % 16 == 0);
    CHECK(api->copy_to_device_ctx(context, NULL, host, 8) == -1);
    CHECK(api->copy_to_device_ctx(context, memory, NULL, 8) == -1);
    CHECK(api->copy_from_device_ctx(context, NULL, memory, 8) == -1);
    CHECK(api->copy_from_device_ctx(context, back, NULL, 8) == -1);
    CHECK(api->copy_to_device_ctx(context, memory, host, 8) == 0);
    CHECK(api->copy_from_device_ctx(context, back, memory, 8) == 0);
    CHECK(memcmp(host, back, 8) == 0);
    CHECK(api->copy_to_device_ctx(context, memory, host, 9) != 0);
    CHECK(api->copy_from_device_ctx(context, back, (char *)memory + 1, 8) != 0);
    api->device_free_ctx(context, memory);
    api->device_free_ctx(context, memory);

    // The chip's own programs: a bad one is refused when it comes first, with a callable or with a run.
    struct bench bad = *bench;
    bad.aicpu = text;
    CHECK(prepare(api, context, &bad, 0, bench->good) == -1);
    bad.aicpu = bad.aicore = nothing;
    CHECK(prepare(api, context, &bad, 0, bench->good) == 0);
    bad.aicore = bench->aicore;
    CHECK(run(api, context, buffer, &bad, 3, 0, args, 2, 2) == -1);
    bad.aicpu = text;
    CHECK(run(api, context, buffer, &bad, 3, 0, args, 2, 2) == -1);
    bad.aicpu = bench->aicpu;
    bad.aicore = text;
    CHECK(prepare(api, context, &bad, 1, bench->good) == -1);
    CHECK(run(api, context, buffer, &bad, 3, 0, args, 2, 2) == -1);
    bad.aicore = nothing;
    CHECK(run(api, context, buffer, &bad, 3, 0, args, 2, 2) == -1);
    CHECK(api->unregister_callable(context, 0) == 0);

    // Registration.
    CHECK(prepare(api, context, bench, 0, NULL) == -1);
    CHECK(prepare(api, context, bench, -1, bench->good) == -1);
    CHECK(prepare(api, context, bench, 64, bench->good) == -1);
    for (int i = 0; bench->bad[i]; i++) CHECK(prepare(api, context, bench, 0, bench->bad[i]) == -1);
    CHECK(api->get_host_dlopen_count(context) == (bench->hbg ? 1 : 0));
    // The chip's programs may come later, the device's number is not looked at, the callable is not written to.
    uint8_t *before = malloc(HEADER);
    memcpy(before, bench->good, HEADER);
    CHECK(api->prepare_callable(context, 0, bench->good, 77, NULL, 0, NULL, 0) == 0);
    CHECK(memcmp(before, bench->good, HEADER) == 0);
    free(before);
    CHECK(prepare(api, context, bench, 0, bench->good) == -1);
    CHECK(prepare(api, context, bench, 63, bench->failing) == 0);

    // Runs.
    uint32_t x[N] = {0}, y[N] = {0}, out[N] = {0};
    free(args);
    args = arguments(x, y, out);
    CHECK(run(api, context, NULL, bench, 3, 0, args, 2, 2) == -1);
    CHECK(run(api, context, buffer, bench, 3, 0, NULL, 2, 2) == -1);
    CHECK(run(api, context, buffer, bench, 3, 1, args, 2, 2) == -1);
    CHECK(run(api, context, buffer, bench, 3, -1, args, 2, 2) == -1);
    CHECK(run(api, context, buffer, bench, 4, 0, args, 2, 2) == -1);
    CHECK(run(api, context, buffer, bench, 3, 0, args, 0, 2) == -1);
    CHECK(run(api, context, buffer, bench, 3, 0, args, 37, 2) == -1);
    CHECK(run(api, context, buffer, bench, 3, 0, args, 2, 0) == -1);
    CHECK(run(api, context, buffer, bench, 3, 0, args, 2, 8) == -1);
    args->tensor_count = 65;
    CHECK(run(api, context, buffer, bench, 3, 0, args, 2, 2) == -1);
    args->tensor_count = 3;
    CHECK(api->get_aicpu_dlopen_count(context) == 0);
    // No folder for diagnostics is no folder, whichever way it is not given.
    for (int which = 0; which < 3; which++)
        CHECK(api->run_prepared(context, buffer, 0, args, 2, 2, 3, bench->aicpu.first, bench->aicpu.length,
                                bench->aicore.first, bench->aicore.length, which == 0, which == 1, which == 2,
                                which ? NULL : "") == -1);
    CHECK(api->run_prepared(context, buffer, 63, args, 2, 2, 3, bench->aicpu.first, bench->aicpu.length,
                            bench->aicore.first, bench->aicore.length, 0, 0, 0, NULL) == -42);
    CHECK(run(api, context, buffer, bench, 3, 63, args, 2, 2) == -42);
    for (int i = 0; i < 5; i++) run_well(api, context, bench, 3, 0);
    CHECK(api->get_aicpu_dlopen_count(context) == (bench->hbg ? 0 : 2));
    CHECK(api->get_host_dlopen_count(context) == (bench->hbg ? 3 : 0));

    // Unregistered, and registered again.
    CHECK(api->unregister_callable(context, 0) == 0);
    CHECK(api->unregister_callable(context, 0) == 0);
    CHECK(api->unregister_callable(context, 64) == 0);
    CHECK(api->unregister_callable(context, -1) == 0);
    CHECK(run(api, context, buffer, bench, 3, 0, args, 2, 2) == -1);
    CHECK(prepare(api, context, bench, 0, bench->good) == 0);
    run_well(api, context, bench, 3, 0);
    CHECK(api->get_aicpu_dlopen_count(context) == (bench->hbg ? 0 : 3));

    // Finalized with callables registered and memory allocated, and used again.
    CHECK(api->device_malloc_ctx(context, 1 << 20));
    CHECK(api->finalize_device(context) == 0);
    CHECK(api->finalize_device(context) == 0);
    CHECK(api->get_aicpu_dlopen_count(context) == 0);
    CHECK(api->get_host_dlopen_count(context) == (bench->hbg ? 4 : 0));
    no_call_works(api, context, bench);
    CHECK(api->simpler_init(context, 4, 4, 5) == 0);
    CHECK(run(api, context, buffer, bench, 4, 0, args, 2, 2) == -1);
    CHECK(prepare(api, context, bench, 0, bench->good) == 0);
    run_well(api, context, bench, 4, 0);
    CHECK(api->get_aicpu_dlopen_count(context) == (bench->hbg ? 0 : 1));
    CHECK(api->get_host_dlopen_count(context) == (bench->hbg ? 5 : 0));
    api->destroy_device_context(context);
    every_call_refuses(api, context, bench);

    // What other projects' halves of a runtime would use.
    api->record_tensor_pair(NULL, NULL, NULL, 0);
    api->record_tensor_pair(buffer, host, back, 8);
    CHECK(api->prepare_callable_impl(buffer, bench->good) == -1);
    CHECK(api->bind_prepared_to_runtime_impl(buffer, args) == -1);
    CHECK(api->validate_runtime_impl(buffer) == -1);
    free(args);
}

// ---- ranks

static void no_rank(const struct api *api, void *handle) {
    uint64_t word = 0;
    size_t size = 0;
    CHECK(api->comm_alloc_windows(handle, 4096, &word) == -1);
    CHECK(api->comm_get_local_window_base(handle, &word) == -1);
    CHECK(api->comm_get_window_size(handle, &size) == -1);
    CHECK(api->comm_barrier(handle) == -1);
    CHECK(api->comm_destroy(handle) == -1);
}

struct rank {
    const struct api *api;
    const char *path;
    int number;
    uint64_t seen;
};

// One of two: writes to the other's window, and sees what the other wrote to its own.
static void *take_part(void *argument) {
    struct rank *rank = argument;
    const struct api *api = rank->api;
    void *handle = api->comm_init(rank->number, 2, NULL, rank->path);
    uint64_t context = 0, base = 0;
    CHECK(handle && api->comm_alloc_windows(handle, 64, &context) == 0);
    CHECK(api->comm_get_local_window_base(handle, &base) == 0);
    const uint64_t *const windows = (uint64_t *)(uintptr_t)context + 4;
    CHECK(windows[rank->number] == base && windows[rank->number + 64] == base);
    *(uint64_t *)(uintptr_t)windows[1 - rank->number] = 10 + (uint64_t)rank->number;
    CHECK(api->comm_barrier(handle) == 0);
    rank->seen = *(uint64_t *)(uintptr_t)base;
    CHECK(api->comm_barrier(handle) == 0);
    CHECK(api->comm_destroy(handle) == 0);
    return NULL;
}

static void two_ranks(const struct api *api, const char *path) {
    struct rank ranks[2] = {{api, path, 0, 0}, {api, path, 1, 0}};
    pthread_t other;
    CHECK(pthread_create(&other, NULL, take_part, &ranks[1]) == 0);
    take_part(&ranks[0]);
    CHECK(pthread_join(other, NULL) == 0);
    CHECK(ranks[0].seen == 11 && ranks[1].seen == 10);
}

static void ranks(const struct api *api) {
    char path[64];
    snprintf(path, sizeof path, "/c-host-%d", getpid());
    CHECK(api->comm_init(0, 1, NULL, NULL) == NULL);
    CHECK(api->comm_init(0, 1, NULL, "") == NULL);
    CHECK(api->comm_init(-1, 1, NULL, path) == NULL);
    CHECK(api->comm_init(1, 1, NULL, path) == NULL);
    CHECK(api->comm_init(0, 0, NULL, path) == NULL);
    CHECK(api->comm_init(0, 65, NULL, path) == NULL);
    void *rank = api->comm_init(0, 1, NULL, path);
    CHECK(rank);
    uint64_t base = 1, context = 0;
    size_t size = 1;
    CHECK(api->comm_barrier(rank) == -1);
    CHECK(api->comm_get_local_window_base(rank, &base) == 0 && base == 0);
    CHECK(api->comm_get_window_size(rank, &size) == 0 && size == 0);
    CHECK(api->comm_alloc_windows(rank, 4096, NULL) == -1);
    CHECK(api->comm_alloc_windows(NULL, 4096, &context) == -1);
    CHECK(api->comm_alloc_windows(rank, 4096, &context) == 0 && context);
    CHECK(api->comm_get_local_window_base(rank, NULL) == -1);
    CHECK(api->comm_get_window_size(rank, NULL) == -1);
    CHECK(api->comm_get_local_window_base(rank, &base) == 0 && base);
    CHECK(api->comm_get_window_size(rank, &size) == 0 && size == 4096);
    CHECK(((uint32_t *)(uintptr_t)context)[4] == 0 && ((uint32_t *)(uintptr_t)context)[5] == 1);
    CHECK(((uint64_t *)(uintptr_t)context)[4] == base);
    CHECK(api->comm_barrier(rank) == 0);

    // A window is device memory to copies.
    void *chip = api->create_device_context();
    CHECK(api->simpler_init(chip, 0, 4, 5) == 0);
    char host[8] = "windows", back[8] = {0};
    CHECK(api->copy_to_device_ctx(chip, (void *)(uintptr_t)(base + 4088), host, 8) == 0);
    CHECK(api->copy_from_device_ctx(chip, back, (void *)(uintptr_t)(base + 4088), 8) == 0);
    CHECK(memcmp(host, back, 8) == 0);
    CHECK(api->copy_to_device_ctx(chip, (void *)(uintptr_t)(base + 4089), host, 8) != 0);
    api->destroy_device_context(chip);

    int foreign;
    no_rank(api, NULL);
    no_rank(api, &foreign);
    CHECK(api->comm_destroy(rank) == 0);
    no_rank(api, rank);
    two_ranks(api, path);
}

// ---- the companion libraries

struct companions {
    void (*log_error)(const char *, const char *, ...);
    void (*log_warn)(const char *, const char *, ...);
    void (*log_debug)(const char *, const char *, ...);
    void (*log_info_v)(const char *, int, const char *, ...);
    void *(*get_logger)(void);
    void (*set_level)(void *, int);
    void (*set_info)(void *, int);
    void (*bind)(int);
    int (*bound)(void);
    void (*acquire)(int);
    void (*release)(int);
    uint32_t (*lane)(void);
    void *(*pipe)(uint64_t, size_t);
    void (*set_lane)(uint32_t);
    void (*set_cluster)(uint32_t);
    void (*clear)(void);
};

static struct companions find_companions(void) {
    struct companions it;
#define GET(member, name) *(void **)&it.member = symbol(RTLD_DEFAULT, name)
    GET(log_error, "unified_log_error");
    GET(log_warn, "unified_log_warn");
    GET(log_debug, "unified_log_debug");
    GET(log_info_v, "unified_log_info_v");
    GET(get_logger, "_ZN10HostLogger12get_instanceEv");
    GET(set_level, "_ZN10HostLogger9set_levelEN7simpler3log8LogLevelE");
    GET(set_info, "_ZN10HostLogger10set_info_vEi");
    GET(bind, "pto_cpu_sim_bind_device");
    GET(bound, "pto_cpu_sim_get_bound_device");
    GET(acquire, "pto_cpu_sim_acquire_device");
    GET(release, "pto_cpu_sim_release_device");
    GET(lane, "pto_sim_get_subblock_id");
    GET(pipe, "pto_sim_get_pipe_shared_state");
    GET(set_lane, "_Z27sim_context_set_subblock_idj");
    GET(set_cluster, "_Z26sim_context_set_cluster_idj");
    GET(clear, "_Z28clear_cpu_sim_shared_storagev");
#undef GET
    return it;
}

// How many lines come to standard error when something is said at every level; the first is kept.
static int lines_said(const struct companions *log, char *first, size_t room) {
    fflush(stderr);
    FILE *heard = tmpfile();
    CHECK(heard);
    const int was = dup(2);
    CHECK(was >= 0 && dup2(fileno(heard), 2) == 2);
    log->log_error("speaker", "an error %d %s", 7, "times");
    log->log_warn("speaker", "a warning");
    log->log_debug("speaker", "for debugging\n");
    for (int tier = 0; tier < 10; tier++) log->log_info_v("speaker", tier, "tier %d", tier);
    fflush(stderr);
    CHECK(dup2(was, 2) == 2 && close(was) == 0);
    rewind(heard);
    char line[4096];
    int count = 0;
    *first = 0;
    while (fgets(line, sizeof line, heard)) {
        if (count++ == 0) snprintf(first, room, "%.*s", (int)room - 1, line);
    }
    fclose(heard);
    return count;
}

static void logging(const struct api *api, const struct companions *log) {
    char first[200];
    void *context = api->create_device_context();
    // Level and threshold of information, and what is kept of an error, a warning, debugging, and ten tiers.
    const int kept[][3] = {{0, 0, 13}, {1, 5, 7}, {1, 0, 12}, {1, 99, 3}, {1, -3, 12}, {2, 0, 2}, {3, 0, 1}, {4, 0, 0}};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        CHECK(api->simpler_init(context, 0, kept[i][0], kept[i][1]) == 0);
        CHECK(lines_said(log, first, sizeof first) == kept[i][2]);
    }
    CHECK(api->simpler_init(context, 0, 3, 0) == 0);
    CHECK(api->simpler_init(context, 1, 0, 0) == -1 && api->simpler_init(NULL, 0, 0, 0) == -1);
    CHECK(lines_said(log, first, sizeof first) == 1);
    CHECK(first[0] == '[' && strstr(first, "][T0x") && strstr(first, "[ERROR]"));
    CHECK(strstr(first, "speaker: an error 7 times\n"));
    void *logger = log->get_logger();
    CHECK(logger && logger == log->get_logger());
    log->set_level(logger, 1), log->set_info(logger, 8);
    CHECK(lines_said(log, first, sizeof first) == 4);
    log->set_level(logger, 4), log->set_info(logger, 5);
    api->destroy_device_context(context);
}

static void *elsewhere(void *argument) {
    const struct companions *sim = argument;
    CHECK(sim->bound() == -1 && sim->lane() == 0 && sim->pipe(1, 8) == NULL);
    return NULL;
}

static void sim_context(const struct companions *sim) {
    CHECK(sim->bound() == -1 && sim->lane() == 0 && sim->pipe(1, 8) == NULL);
    sim->bind(50);
    CHECK(sim->bound() == 50 && sim->pipe(1, 8) == NULL);
    sim->acquire(50), sim->acquire(50), sim->acquire(51);
    CHECK(sim->pipe(1, 0) == NULL);
    char *shared = sim->pipe(1, 8);
    CHECK(shared && shared[0] == 0 && shared[7] == 0);
    shared[0] = 1;
    CHECK(sim->pipe(1, 8) == shared && sim->pipe(2, 8) != shared);
    sim->set_cluster(3), sim->set_lane(1);
    CHECK(sim->pipe(1, 8) != shared && sim->lane() == 1);
    sim->set_cluster(0), sim->set_lane(0);
    sim->bind(51);
    CHECK(sim->pipe(1, 8) != shared);
    sim->clear();
    sim->bind(50);
    CHECK(sim->pipe(1, 8) == shared && shared[0] == 1);
    sim->clear();
    CHECK(*(char *)sim->pipe(1, 8) == 0);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, elsewhere, (void *)(uintptr_t)sim) == 0 && pthread_join(thread, NULL) == 0);
    sim->release(50), sim->release(51), sim->release(52);
    CHECK(sim->pipe(1, 8) == NULL);
    sim->bind(-1);
    CHECK(sim->bound() == -1);
    sim->clear();
}

// ---- two contexts on two threads

struct worker {
    const struct api *api;
    const struct bench *bench;
    int device;
};

static void *work(void *argument) {
    const struct worker *worker = argument;
    void *context = worker->api->create_device_context();
    CHECK(worker->api->simpler_init(context, worker->device, 4, 5) == 0);
    const int32_t id = worker->device;
    CHECK(prepare(worker->api, context, worker->bench, id, worker->bench->good) == 0);
    for (int i = 0; i < 20; i++) run_well(worker->api, context, worker->bench, worker->device, id);
    CHECK(worker->api->get_aicpu_dlopen_count(context) == (worker->bench->hbg ? 0 : 1));
    CHECK(worker->api->finalize_device(context) == 0);
    worker->api->destroy_device_context(context);
    return NULL;
}

static void two_contexts(const struct api *api, const struct bench *bench) {
    struct worker workers[2] = {{api, bench, 0}, {api, bench, 1}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) CHECK(pthread_create(&threads[i], NULL, work, &workers[i]) == 0);
    for (int i = 0; i < 2; i++) CHECK(pthread_join(threads[i], NULL) == 0);
}

// ---- nothing is left behind

struct belongings {
    int descriptors, threads, mappings, files;
};

static int entries(const char *folder) {
    DIR *directory = opendir(folder);
    int count = 0;
    while (directory && readdir(directory)) count++;
    if (directory) closedir(directory);
    return count;
}

// Files mapped into this process, each counted once per mapping.
static int mapped(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[4096];
    int count = 0;
    while (fgets(line, sizeof line, maps)) count += strchr(line, '/') != NULL;
    fclose(maps);
    return count;
}

// What this program's libraries may have written and not removed: anything in the folder for temporary files, which is
// this program's own, and what carries its number elsewhere.
static int stray_files(void) {
    static const char *const fallbacks[] = {"/var/tmp", "/dev/shm"};
    const char *own = getenv("TMPDIR");
    int count = own ? entries(own) : 0;
    char ours[64];
    snprintf(ours, sizeof ours, "simpler-%d-", (int)getpid());
    for (size_t i = 0; i < 2; i++) {
        DIR *directory = opendir(fallbacks[i]);
        for (struct dirent *entry; directory && (entry = readdir(directory));)
            count += strncmp(entry->d_name, ours, strlen(ours)) == 0;
        if (directory) closedir(directory);
    }
    return count;
}

static struct belongings look(void) {
    struct belongings belongings = {entries("/proc/self/fd"), entries("/proc/self/task"), mapped(), stray_files()};
    return belongings;
}

static void cycle(const struct bench *bench) {
    const struct api api = open_runtime(bench->runtime_folder);
    void *context = api.create_device_context();
    CHECK(api.simpler_init(context, 0, 4, 5) == 0);
    CHECK(prepare(&api, context, bench, 5, bench->good) == 0);
    run_well(&api, context, bench, 0, 5);
    CHECK(api.finalize_device(context) == 0);
    api.destroy_device_context(context);
    CHECK(dlclose(api.library) == 0);
}

static void cycles(const struct bench *bench, int count) {
    // What is there once for a process is there after the first.
    cycle(bench);
    const struct belongings before = look();
    for (int i = 0; i < count; i++) cycle(bench);
    const struct belongings after = look();
    printf("descriptors %d %d, threads %d %d, mappings %d %d, files %d %d\n", before.descriptors, after.descriptors,
           before.threads, after.threads, before.mappings, after.mappings, before.files, after.files);
    CHECK(before.descriptors == after.descriptors);
    CHECK(before.threads == after.threads);
    CHECK(before.mappings == after.mappings);
    CHECK(before.files >= after.files);
}

int main(int argc, char **argv) {
    CHECK(argc >= 8);
    open_companion(argv[1], "libsimpler_log.so");
    open_companion(argv[1], "libcpu_sim_context.so");
    struct bench bench = {.runtime_folder = argv[2], .hbg = strcmp(argv[4], "hbg") == 0};
    bench.aicpu = read_file(argv[2], "libaicpu_kernel.so");
    bench.aicore = read_file(argv[2], "libaicore_kernel.so");
    struct bytes orchestration = read_file("", argv[5]), failing = read_file("", argv[6]);
    struct bytes kernel = read_file("", argv[7]);
    const char *entry = bench.hbg ? "build_graph" : "", *refuse = bench.hbg ? "refuse" : "";
    bench.good = callable(orchestration, entry, "", kernel, 0);
    bench.failing = callable(failing, refuse, "", kernel, 0);
    bench.wrong_entry = callable(orchestration, "nobody", "", kernel, 0);
    uint8_t **bad = bench.bad;
    *bad++ = callable(orchestration, entry, "", kernel, 1024);
    *bad++ = callable(orchestration, entry, "", kernel, -1);
    *bad++ = callable(nothing, entry, "", kernel, 0);
    *bad++ = callable(orchestration, entry, "", orchestration, 0);
    *bad++ = callable(orchestration, entry, "", text, 0);
    if (bench.hbg) {
        *bad++ = callable(text, entry, "", kernel, 0);
        *bad++ = callable(orchestration, "", "", kernel, 0);
    }

    const struct api api = open_runtime(argv[2]);
    if (bench.hbg) {
        void *context = api.create_device_context();
        CHECK(api.simpler_init(context, 0, 4, 5) == 0 && prepare(&api, context, &bench, 0, bench.wrong_entry) == -1);
        api.destroy_device_context(context);
    }
    const struct companions companions = find_companions();
    logging(&api, &companions);
    sim_context(&companions);
    guards(&api, &bench, argv[3]);
    ranks(&api);
    two_contexts(&api, &bench);
    CHECK(dlclose(api.library) == 0);
    cycles(&bench, argc > 8 ? atoi(argv[8]) : 100);

    free(bench.good), free(bench.failing), free(bench.wrong_entry);
    for (int i = 0; bench.bad[i]; i++) free(bench.bad[i]);
    free(bench.aicpu.first), free(bench.aicore.first);
    free(orchestration.first), free(failing.first), free(kernel.first);
    puts("ok");
    return 0;
}
