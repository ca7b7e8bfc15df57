/*
 * A log library as the interface describes it, built by nobody of this project. It counts lines and prints none.
 */
#include <stdatomic.h>

static atomic_ulong lines;
static struct {
    int level;
    int verbosity;
} logger = {1, 5};

static void line(int level) {
    if (level >= logger.level && logger.level < 4) lines++;
}

void unified_log_error(const char *function, const char *format, ...) {
    (void)function, (void)format;
    line(3);
}

void unified_log_warn(const char *function, const char *format, ...) {
    (void)function, (void)format;
    line(2);
}

void unified_log_debug(const char *function, const char *format, ...) {
    (void)function, (void)format;
    line(0);
}

void unified_log_info_v(const char *function, int verbosity, const char *format, ...) {
    (void)function, (void)format;
    if (verbosity >= logger.verbosity) line(1);
}

void *_ZN10HostLogger12get_instanceEv(void) { return &logger; }
void _ZN10HostLogger9set_levelEN7simpler3log8LogLevelE(void *self, int level) { (void)self, logger.level = level; }
void _ZN10HostLogger10set_info_vEi(void *self, int verbosity) { (void)self, logger.verbosity = verbosity; }

/* For the test. */
unsigned long standin_lines(void) { return lines; }
