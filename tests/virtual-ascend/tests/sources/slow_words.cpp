// As add_words.cpp, five milliseconds later.
#include <unistd.h>

#define kernel_entry add_words
#include "add_words.cpp"
#undef kernel_entry

extern "C" void kernel_entry(int64_t *args) {
    usleep(5000);
    add_words(args);
}
