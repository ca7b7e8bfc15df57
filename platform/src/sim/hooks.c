// What simulated kernels and their hosts ask about the thread they run on, under every name that a
// generation of kernel headers has given the question. One copy serves a process: it stands in the
// global scope, alone as a library or put there by a simulator.
//
// A simulator says on entering a kernel who answers for the calling thread, and takes that back on
// leaving. On all other threads the answers are what the thread was told through the functions here, so
// that simulators which know nothing of the first way work as well.

#define _GNU_SOURCE
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

// Answers for one kernel call; `of` is what each is asked with.
struct simpler_sim_answers {
    uint32_t (*subblock_id)(const void *of);
    int (*device)(const void *of);
    void *(*pipe_shared_state)(const void *of, uint64_t pipe_key, size_t size);
    void (*set_execution_context)(const void *of, uint32_t block, uint32_t subblock, uint32_t dim);
    void (*get_execution_context)(const void *of, uint32_t *block, uint32_t *subblock, uint32_t *dim);
    void *(*shared_storage)(const void *of, const char *key, size_t size);
    uint64_t (*task_cookie)(const void *of);
};

struct running {
    const struct simpler_sim_answers *answers;
    const void *of;
};

// The library stays loaded for as long as the process lives, so storage of threads may be its own.
static __thread struct running running;
static __thread int device = -1;
static __thread uint32_t lane;
static __thread uint32_t cluster;

// Makes `answers` answer for the calling thread, asked with `of`, and hands out who did before.
void simpler_sim_enter(const struct simpler_sim_answers *answers, const void *of,
                       struct running *before) {
    *before = running;
    running.answers = answers;
    running.of = of;
}

void simpler_sim_leave(const struct running *before) { running = *before; }

struct block {
    struct block *next;
    uint64_t key;
    uint32_t cluster;
    void *bytes;
};

struct chip {
    struct chip *next;
    int id;
    struct block *blocks;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct chip *chips;

static struct chip **find(int id) {
    struct chip **chip = &chips;
    while (*chip && (*chip)->id != id) chip = &(*chip)->next;
    return chip;
}

static void clear(struct chip *chip) {
    while (chip->blocks) {
        struct block *block = chip->blocks;
        chip->blocks = block->next;
        free(block->bytes);
        free(block);
    }
}

static void *storage(struct chip *chip, uint64_t key, size_t size) {
    for (struct block *block = chip->blocks; block; block = block->next)
        if (block->key == key && block->cluster == cluster) return block->bytes;
    struct block *block = malloc(sizeof *block);
    void *bytes = calloc(1, size);
    if (!block || !bytes) {
        free(block);
        free(bytes);
        return NULL;
    }
    *block = (struct block){chip->blocks, key, cluster, bytes};
    chip->blocks = block;
    return bytes;
}

uint32_t pto_sim_get_subblock_id(void) {
    return running.answers ? running.answers->subblock_id(running.of) : lane;
}

void *pto_sim_get_pipe_shared_state(uint64_t pipe_key, size_t size) {
    if (size == 0) return NULL;
    if (running.answers) return running.answers->pipe_shared_state(running.of, pipe_key, size);
    pthread_mutex_lock(&lock);
    struct chip *chip = *find(device);
    void *bytes = chip ? storage(chip, pipe_key, size) : NULL;
    pthread_mutex_unlock(&lock);
    return bytes;
}

void pto_cpu_sim_set_execution_context(uint32_t block, uint32_t subblock, uint32_t dim) {
    if (running.answers) running.answers->set_execution_context(running.of, block, subblock, dim);
}

void pto_cpu_sim_get_execution_context(uint32_t *block, uint32_t *subblock, uint32_t *dim) {
    if (running.answers) {
        running.answers->get_execution_context(running.of, block, subblock, dim);
        return;
    }
    if (block) *block = 0;
    if (subblock) *subblock = lane;
    if (dim) *dim = 1;
}

void *pto_cpu_sim_get_shared_storage(const char *key, size_t size) {
    if (!key || size == 0 || !running.answers) return NULL;
    return running.answers->shared_storage(running.of, key, size);
}

uint64_t pto_cpu_sim_get_task_cookie(void) {
    return running.answers ? running.answers->task_cookie(running.of) : 0;
}

void pto_cpu_sim_bind_device(int id) { device = id; }

int pto_cpu_sim_get_bound_device(void) {
    return running.answers ? running.answers->device(running.of) : device;
}

#ifdef SIMPLER_SIM_CONTEXT_LIBRARY
// The log library is loaded first, if at all.
extern void unified_log_info_v(const char *function, int verbosity, const char *format, ...)
    __attribute__((weak));
#endif

void pto_cpu_sim_acquire_device(int id) {
    pthread_mutex_lock(&lock);
    struct chip **place = find(id);
    if (!*place) *place = calloc(1, sizeof **place);
    if (*place) (*place)->id = id;
    pthread_mutex_unlock(&lock);
#ifdef SIMPLER_SIM_CONTEXT_LIBRARY
    if (unified_log_info_v) unified_log_info_v(__func__, 0, "device %d is acquired", id);
#endif
}

void pto_cpu_sim_release_device(int id) {
    pthread_mutex_lock(&lock);
    struct chip **place = find(id);
    struct chip *chip = *place;
    if (chip) {
        *place = chip->next;
        clear(chip);
        free(chip);
    }
    pthread_mutex_unlock(&lock);
}

// The names that C++ gives to functions of this signature.
void _Z27sim_context_set_subblock_idj(uint32_t value) { lane = value; }

void _Z26sim_context_set_cluster_idj(uint32_t value) { cluster = value; }

void _Z28clear_cpu_sim_shared_storagev(void) {
    pthread_mutex_lock(&lock);
    struct chip *chip = *find(device);
    if (chip) clear(chip);
    pthread_mutex_unlock(&lock);
}
