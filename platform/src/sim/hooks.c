// Names under which simulated kernels look for the simulator in the global scope. Each only forwards
// to the simulator that installed itself: a kernel finds them with any application, however that was
// linked. Without a simulator every hook answers as on a thread that simulates no core.

#include <stddef.h>
#include <stdint.h>

struct simpler_sim_hooks {
    uint32_t (*subblock_id)(void);
    void *(*pipe_shared_state)(uint64_t pipe_key, size_t size);
    void (*set_execution_context)(uint32_t block, uint32_t subblock, uint32_t subblock_dim);
    void (*get_execution_context)(uint32_t *block, uint32_t *subblock, uint32_t *subblock_dim);
    void *(*shared_storage)(const char *key, size_t size);
    uint64_t (*task_cookie)(void);
    void (*bind_device)(int device_id);
    int (*bound_device)(void);
    void (*acquire_device)(int device_id);
    void (*release_device)(int device_id);
    void (*set_subblock_id)(uint32_t lane);
    void (*set_cluster_id)(uint32_t cluster);
    void (*clear_shared_storage)(void);
};

static struct simpler_sim_hooks hooks;

void simpler_install_sim_hooks(const struct simpler_sim_hooks *table) { hooks = *table; }

uint32_t pto_sim_get_subblock_id(void) { return hooks.subblock_id ? hooks.subblock_id() : 0; }

void *pto_sim_get_pipe_shared_state(uint64_t pipe_key, size_t size) {
    return hooks.pipe_shared_state ? hooks.pipe_shared_state(pipe_key, size) : NULL;
}

void pto_cpu_sim_set_execution_context(uint32_t block, uint32_t subblock, uint32_t subblock_dim) {
    if (hooks.set_execution_context) hooks.set_execution_context(block, subblock, subblock_dim);
}

void pto_cpu_sim_get_execution_context(uint32_t *block, uint32_t *subblock, uint32_t *subblock_dim) {
    if (hooks.get_execution_context) hooks.get_execution_context(block, subblock, subblock_dim);
}

void *pto_cpu_sim_get_shared_storage(const char *key, size_t size) {
    return hooks.shared_storage ? hooks.shared_storage(key, size) : NULL;
}

uint64_t pto_cpu_sim_get_task_cookie(void) { return hooks.task_cookie ? hooks.task_cookie() : 0; }

void pto_cpu_sim_bind_device(int device_id) {
    if (hooks.bind_device) hooks.bind_device(device_id);
}

int pto_cpu_sim_get_bound_device(void) { return hooks.bound_device ? hooks.bound_device() : -1; }

void pto_cpu_sim_acquire_device(int device_id) {
    if (hooks.acquire_device) hooks.acquire_device(device_id);
}

void pto_cpu_sim_release_device(int device_id) {
    if (hooks.release_device) hooks.release_device(device_id);
}

// The names that C++ gives to functions of this signature.
void _Z27sim_context_set_subblock_idj(uint32_t lane) {
    if (hooks.set_subblock_id) hooks.set_subblock_id(lane);
}

void _Z26sim_context_set_cluster_idj(uint32_t cluster) {
    if (hooks.set_cluster_id) hooks.set_cluster_id(cluster);
}

void _Z28clear_cpu_sim_shared_storagev(void) {
    if (hooks.clear_shared_storage) hooks.clear_shared_storage();
}
