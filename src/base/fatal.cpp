#include "base/fatal.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

#include "base/atomic.h"

namespace weft::base {
namespace {

atomic<void (*)()> dump_hook{nullptr};

void write_error(const char* text, int length) {
  if (length > 0) [[maybe_unused]] auto written = ::write(STDERR_FILENO, text, static_cast<std::size_t>(length));
}

void vprint_error(const char* prefix, const char* format, va_list arguments) {
  char line[1024];
  int used = std::snprintf(line, sizeof line, "%s", prefix);
  int more = std::vsnprintf(line + used, sizeof line - static_cast<std::size_t>(used) - 1, format, arguments);
  if (more > 0) used += more;
  if (used > static_cast<int>(sizeof line) - 2) used = static_cast<int>(sizeof line) - 2;
  write_error(line, used);
}

[[noreturn]] void die() {
  if (auto dump = dump_hook.exchange(nullptr, acq_rel)) dump();
  std::abort();
}

}  // namespace

void on_fatal(void (*dump)()) { dump_hook.store(dump, release); }

void print_error(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprint_error("", format, arguments);
  va_end(arguments);
}

void fatal(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprint_error("weft: fatal: ", format, arguments);
  va_end(arguments);
  write_error("\n", 1);
  die();
}

void assertion_failed(const char* condition, const char* what, const char* file, int line) {
  print_error("weft: fatal: %s (%s is false at %s:%d)\n", what, condition, file, line);
  die();
}

}  // namespace weft::base
