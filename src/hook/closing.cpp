// close, dup2, dup3, close_range, closefrom: a number stops being what it was. Whoever waits for it is woken, and gets EBADF
// (in libc such a call would wait on, for what no longer has a name).
#include <fcntl.h>
#include <unistd.h>

#include "hook/park.h"

using namespace weft::hook;

namespace {

// dup2() closes the target only if the source is one.
void replaced(int source, int target) noexcept {
  if (source == target || source < 0) return;
  const int error = get_errno();
  if (::fcntl(source, F_GETFD) >= 0) weft::poll::foreign::closed(target);
  set_errno(error);
}

}  // namespace

extern "C" {

int close(int fd) {
  weft::poll::foreign::closed(fd);
  return real::close(fd);
}

int dup2(int source, int target) noexcept {
  replaced(source, target);
  return real::dup2(source, target);
}

int dup3(int source, int target, int flags) noexcept {
  replaced(source, target);
  return real::dup3(source, target, flags);
}

int close_range(unsigned first, unsigned last, int flags) noexcept {
  if (first <= last && !(static_cast<unsigned>(flags) & CLOSE_RANGE_CLOEXEC)) weft::poll::foreign::closed_range(first, last);
  return real::close_range(first, last, flags);
}

void closefrom(int first) noexcept {
  weft::poll::foreign::closed_range(first < 0 ? 0U : static_cast<unsigned>(first), ~0U);
  real::closefrom(first);
}

}  // extern "C"
