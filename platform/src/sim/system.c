// What the simulator asks the system for and the standard library does not have.
#define _GNU_SOURCE
#include <dlfcn.h>

// Whether two addresses are in one loaded object.
int simpler_platform_same_object(const void *first, const void *second) {
    Dl_info one, other;
    return dladdr(first, &one) && dladdr(second, &other) && one.dli_fbase == other.dli_fbase;
}
