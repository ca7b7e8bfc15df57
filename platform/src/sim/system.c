// What the simulator asks the system for and the standard library does not have.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>

struct body {
    void (*call)(void *of);
    void *of;
};

static void *run(void *body) {
    const struct body *it = body;
    it->call(it->of);
    return 0;
}

// Runs a function on a thread of its own and waits for it; 0, or why the system gives no thread.
int simpler_platform_apart(void (*call)(void *of), void *of) {
    struct body body = {call, of};
    pthread_t thread;
    const int refused = pthread_create(&thread, 0, run, &body);
    return refused ? refused : pthread_join(thread, 0);
}

// Whether two addresses are in one loaded object.
int simpler_platform_same_object(const void *first, const void *second) {
    Dl_info one, other;
    return dladdr(first, &one) && dladdr(second, &other) && one.dli_fbase == other.dli_fbase;
}
