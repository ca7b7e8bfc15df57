/*
 * The entries of the operations table that take variable arguments: they format the text and pass it on.
 * Knows formats. Refuses to know what a runtime is. A message longer than the buffer is cut.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define MESSAGE_BYTES 1024

/* Levels as the receiving side numbers them. */
enum { LEVEL_ERROR = 1, LEVEL_WARN = 2, LEVEL_DEBUG = 4 };

/* Hidden: the program that both halves end up in exports none of them. */
#pragma GCC visibility push(hidden)
void runtime_trb_fatal_text(void *runtime, int32_t code, const char *function, const char *text);
void runtime_trb_log_text(int32_t level, const char *function, const char *text);
void runtime_trb_info_text(int32_t tier, const char *function, const char *text);
#pragma GCC visibility pop

#define FORMAT_INTO(buffer, format)                                                                                    \
    char buffer[MESSAGE_BYTES] = "";                                                                                   \
    if ((format) != NULL) {                                                                                            \
        va_list values;                                                                                                \
        va_start(values, format);                                                                                      \
        (void)vsnprintf(buffer, sizeof buffer, format, values);                                                        \
        va_end(values);                                                                                                \
    }

void runtime_trb_report_fatal(void *runtime, int32_t code, const char *function, const char *format, ...) {
    FORMAT_INTO(text, format)
    runtime_trb_fatal_text(runtime, code, function, text);
}

void runtime_trb_log_error(const char *function, const char *format, ...) {
    FORMAT_INTO(text, format)
    runtime_trb_log_text(LEVEL_ERROR, function, text);
}

void runtime_trb_log_warn(const char *function, const char *format, ...) {
    FORMAT_INTO(text, format)
    runtime_trb_log_text(LEVEL_WARN, function, text);
}

void runtime_trb_log_debug(const char *function, const char *format, ...) {
    FORMAT_INTO(text, format)
    runtime_trb_log_text(LEVEL_DEBUG, function, text);
}

void runtime_trb_log_info_v(const char *function, int tier, const char *format, ...) {
    FORMAT_INTO(text, format)
    runtime_trb_info_text(tier, function, text);
}
