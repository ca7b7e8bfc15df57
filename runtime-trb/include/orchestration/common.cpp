// Support source: compiled into every orchestration, beside the user's own.
//
// Holds the one runtime pointer of the shared object, what a failed assertion does, and how the entry is called.
#include <cstdlib>
#include <cxxabi.h>
#include <string>

#if __has_include(<execinfo.h>)
#include <execinfo.h>
#define PTO2_HAS_BACKTRACE 1
#endif

#include "common/guarded_call.h"
#include "pto_orchestration_api.h"

static PTO2Runtime *g_runtime = nullptr;

extern "C" __attribute__((visibility("hidden"))) PTO2Runtime *framework_current_runtime(void) { return g_runtime; }

extern "C" __attribute__((visibility("default"))) void framework_bind_runtime(PTO2Runtime *rt) { g_runtime = rt; }

// Whoever calls the entry may have another C++ library than this shared object, and know none of what it throws.
extern "C" __attribute__((visibility("default"))) bool framework_guarded_call(
    void (*entry)(const void *), const void *args, char *text, std::size_t capacity) {
    return simpler::guarded([&] { entry(args); }, text, capacity);
}

#ifdef PTO2_HAS_BACKTRACE

// "file(symbol+offset) [address]" with the symbol in readable form.
static std::string readable_frame(const std::string &frame) {
    const size_t open = frame.find('(');
    const size_t plus = open == std::string::npos ? open : frame.find('+', open);
    if (plus == std::string::npos) return frame;
    const std::string symbol = frame.substr(open + 1, plus - open - 1);
    int status = -1;
    char *name = abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status);
    const std::string readable = status == 0 ? frame.substr(0, open + 1) + name + frame.substr(plus) : frame;
    std::free(name);
    return readable;
}

std::string get_stacktrace(int skip_frames) {
    void *addresses[64];
    const int count = backtrace(addresses, 64);
    char **frames = backtrace_symbols(addresses, count);
    if (frames == nullptr) return "  (no stack trace: out of memory)\n";
    std::string text;
    for (int i = skip_frames; i < count; i++) text += "  " + readable_frame(frames[i]) + "\n";
    std::free(frames);
    return text;
}

#else

std::string get_stacktrace(int) { return "  (no stack trace on this platform)\n"; }

#endif

void assert_impl(const char *condition, const char *file, int line) {
    static const char rule[] = "================================================================";
    LOG_ERROR("%s", rule);
    LOG_ERROR("Assertion failed: %s", condition);
    LOG_ERROR("Location: %s:%d", file, line);
    LOG_ERROR("Stack trace:\n%s", get_stacktrace(2).c_str());
    LOG_ERROR("%s", rule);
    throw AssertionError(condition, file, line);
}
