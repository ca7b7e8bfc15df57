// The log library: one per process, in its global scope, so that every library which logs shares one level
// and whole lines. The names, C++ ones included, are those that libraries built elsewhere are linked to.

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <mutex>
#include <pthread.h>
#include <string>

namespace simpler {
namespace log {
enum class LogLevel : int { DEBUG = 0, INFO = 1, WARN = 2, ERROR = 3, NUL = 4 };
}  // namespace log
}  // namespace simpler

using simpler::log::LogLevel;

#define EXPORT __attribute__((visibility("default")))

class EXPORT HostLogger {
public:
    static HostLogger &get_instance();

    void set_level(LogLevel level);
    void set_info_v(int verbosity);
    void log(LogLevel level, const char *function, const char *format, ...) __attribute__((format(printf, 4, 5)));
    void log_info_v(int verbosity, const char *function, const char *format, ...) __attribute__((format(printf, 4, 5)));
    void vlog(LogLevel level, const char *function, const char *format, std::va_list arguments);
    void vlog_info_v(int verbosity, const char *function, const char *format, std::va_list arguments);
    bool is_severity_enabled(LogLevel level) const;
    bool is_info_v_enabled(int verbosity) const;
    static const char *level_name(LogLevel level);

private:
    HostLogger();
    void emit(const char *tag, const char *function, const char *format, std::va_list arguments);

    mutable std::mutex mutex_;
    LogLevel level_ = LogLevel::INFO;
    int info_v_ = 5;
};

HostLogger::HostLogger() = default;

HostLogger &HostLogger::get_instance() {
    // Never destroyed: threads may log while the process ends.
    static HostLogger *const instance = new HostLogger();
    return *instance;
}

void HostLogger::set_level(LogLevel level) {
    const std::lock_guard<std::mutex> guard(mutex_);
    level_ = level;
}

void HostLogger::set_info_v(int verbosity) {
    const std::lock_guard<std::mutex> guard(mutex_);
    info_v_ = verbosity < 0 ? 0 : verbosity > 9 ? 9 : verbosity;
}

bool HostLogger::is_severity_enabled(LogLevel level) const {
    const std::lock_guard<std::mutex> guard(mutex_);
    return level_ != LogLevel::NUL && level >= level_;
}

bool HostLogger::is_info_v_enabled(int verbosity) const {
    const std::lock_guard<std::mutex> guard(mutex_);
    return level_ <= LogLevel::INFO && verbosity >= info_v_;
}

const char *HostLogger::level_name(LogLevel level) {
    switch (level) {
    case LogLevel::DEBUG:
        return "DEBUG";
    case LogLevel::INFO:
        return "INFO";
    case LogLevel::WARN:
        return "WARN";
    case LogLevel::ERROR:
        return "ERROR";
    case LogLevel::NUL:
        break;
    }
    return "NUL";
}

void HostLogger::vlog(LogLevel level, const char *function, const char *format, std::va_list arguments) {
    if (is_severity_enabled(level)) emit(level_name(level), function, format, arguments);
}

void HostLogger::vlog_info_v(int verbosity, const char *function, const char *format, std::va_list arguments) {
    if (!is_info_v_enabled(verbosity)) return;
    char tag[] = "INFO_V0";
    tag[6] = static_cast<char>('0' + (verbosity < 0 ? 0 : verbosity > 9 ? 9 : verbosity));
    emit(tag, function, format, arguments);
}

void HostLogger::log(LogLevel level, const char *function, const char *format, ...) {
    std::va_list arguments;
    va_start(arguments, format);
    vlog(level, function, format, arguments);
    va_end(arguments);
}

void HostLogger::log_info_v(int verbosity, const char *function, const char *format, ...) {
    std::va_list arguments;
    va_start(arguments, format);
    vlog_info_v(verbosity, function, format, arguments);
    va_end(arguments);
}

void HostLogger::emit(const char *tag, const char *function, const char *format, std::va_list arguments) {
    std::timespec now{};
    std::timespec_get(&now, TIME_UTC);
    std::tm local{};
    localtime_r(&now.tv_sec, &local);
    char time[32];
    std::strftime(time, sizeof time, "%Y-%m-%d %H:%M:%S", &local);
    const std::string text(format);
    const char *const end = !text.empty() && text.back() == '\n' ? "" : "\n";

    const std::lock_guard<std::mutex> guard(mutex_);
    std::fprintf(stderr, "[%s.%06ld][T0x%llx][%s] %s: ", time, now.tv_nsec / 1000,
                 static_cast<unsigned long long>(pthread_self()), tag, function ? function : "");
    std::vfprintf(stderr, format, arguments);
    std::fputs(end, stderr);
    std::fflush(stderr);
}

#define FORWARD(level)                                                        \
    std::va_list arguments;                                                   \
    va_start(arguments, format);                                              \
    HostLogger::get_instance().vlog(level, function, format, arguments);      \
    va_end(arguments)

extern "C" {

EXPORT void unified_log_error(const char *function, const char *format, ...) { FORWARD(LogLevel::ERROR); }

EXPORT void unified_log_warn(const char *function, const char *format, ...) { FORWARD(LogLevel::WARN); }

EXPORT void unified_log_debug(const char *function, const char *format, ...) { FORWARD(LogLevel::DEBUG); }

EXPORT void unified_log_info_v(const char *function, int verbosity, const char *format, ...) {
    std::va_list arguments;
    va_start(arguments, format);
    HostLogger::get_instance().vlog_info_v(verbosity, function, format, arguments);
    va_end(arguments);
}
}
