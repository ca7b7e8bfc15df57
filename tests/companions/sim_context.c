/*
 * A simulation context library as the interface describes it, built by nobody of this project: no name but the
 * interface's, values per thread, storage per chip and cluster. Counts what it is asked, for the test.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum { ACQUIRE, BIND, IDENTITY, CLEAR };

static atomic_ulong counts[4];
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t device_key, lane_key, cluster_key;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

struct block {
    struct block *next;
    int device;
    uintptr_t cluster;
    uint64_t key;
    void *bytes;
};

static struct block *blocks;
static unsigned char acquired[64];

static void make_keys(void) {
    pthread_key_create(&device_key, NULL);
    pthread_key_create(&lane_key, NULL);
    pthread_key_create(&cluster_key, NULL);
}

/* A fresh thread has null everywhere: the device is kept one up. */
static uintptr_t get(pthread_key_t *key) {
    pthread_once(&once, make_keys);
    return (uintptr_t)pthread_getspecific(*key);
}

static void set(pthread_key_t *key, uintptr_t value) {
    pthread_once(&once, make_keys);
    pthread_setspecific(*key, (void *)value);
}

static int bound(void) { return (int)get(&device_key) - 1; }

static void forget(int device) {
    struct block **at = &blocks;
    while (*at) {
        struct block *block = *at;
        if (block->device != device) {
            at = &block->next;
            continue;
        }
        *at = block->next;
        free(block->bytes);
        free(block);
    }
}

void pto_cpu_sim_bind_device(int device) {
    counts[BIND]++;
    set(&device_key, (uintptr_t)(device + 1));
}

int pto_cpu_sim_get_bound_device(void) { return bound(); }

void pto_cpu_sim_acquire_device(int device) {
    counts[ACQUIRE]++;
    if (device >= 0 && device < 64) acquired[device] = 1;
}

void pto_cpu_sim_release_device(int device) {
    pthread_mutex_lock(&lock);
    forget(device);
    pthread_mutex_unlock(&lock);
    if (device >= 0 && device < 64) acquired[device] = 0;
}

uint32_t pto_sim_get_subblock_id(void) { return (uint32_t)get(&lane_key); }

void *pto_sim_get_pipe_shared_state(uint64_t key, size_t size) {
    const int device = bound();
    if (size == 0 || device < 0 || device >= 64 || !acquired[device]) return NULL;
    const uintptr_t cluster = get(&cluster_key);
    void *bytes = NULL;
    pthread_mutex_lock(&lock);
    for (struct block *block = blocks; block; block = block->next)
        if (block->device == device && block->cluster == cluster && block->key == key) bytes = block->bytes;
    if (!bytes) {
        struct block *block = malloc(sizeof *block);
        bytes = calloc(1, size);
        *block = (struct block){blocks, device, cluster, key, bytes};
        blocks = block;
    }
    pthread_mutex_unlock(&lock);
    return bytes;
}

void _Z27sim_context_set_subblock_idj(uint32_t lane) {
    counts[IDENTITY]++;
    set(&lane_key, lane);
}

void _Z26sim_context_set_cluster_idj(uint32_t cluster) {
    counts[IDENTITY]++;
    set(&cluster_key, cluster);
}

void _Z28clear_cpu_sim_shared_storagev(void) {
    counts[CLEAR]++;
    const int device = bound();
    if (device < 0) return;
    pthread_mutex_lock(&lock);
    forget(device);
    pthread_mutex_unlock(&lock);
}

unsigned long standin_lines(void);

/* For the test: how often. */
uint64_t standin_calls(int what) { return what < 4 ? counts[what] : standin_lines(); }
