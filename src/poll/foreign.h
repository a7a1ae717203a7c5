// Descriptors that belong to somebody else: to a C library that opened them, uses them blocking and closes them.
//
//   if (foreign::use f(fd); f.renew() == 0) result = f->perform(direction::read, {.until_ns = when}, attempt);
//   foreign::watch both[] = {{a, true, false}, {b, false, true}};
//   foreign::wait_any(both).wait(when);                 // as poll(2) wants it
//
// What poll::open() needs cannot be had for them: nobody tells for sure when such a descriptor is closed (fclose() does it
// inside libc), and the number may come back as another file at any time. So nothing here is believed for longer than one
// wait, and nothing here closes a descriptor or changes how it behaves.
//
//   F1  They are watched through an epoll instance of their own, which is one descriptor of the poller: whatever a number
//       stood for before, it does not disturb a descriptor that poll::open() has registered under the same number.
//   F2  Before each wait the number is registered anew (one system call): the kernel compares the file, so a number that
//       was used again is found out, and what is ready at that time is told again.
//   F3  closed(fd) is a help, not a condition: it wakes those who wait, and lets the number start afresh.
//   F4  A slot of the table is emptied only by closed(). Who has entered a descriptor that is still in its slot uses the
//       right one; else he looks again.
// Refused: a registration for each wait, taken away after it (two system calls where F2 has one); O_NONBLOCK, which other
// processes that share the file would see.
#pragma once

#include <cstdint>
#include <span>

#include "poll/descriptor.h"

namespace weft::poll::foreign {

// The descriptor stays itself while this lives.
class use {
 public:
  explicit use(int fd);  // REQUIRES: fd >= 0
  ~use() { descriptor_.leave(); }
  use(const use&) = delete;
  use& operator=(const use&) = delete;

  int renew() noexcept;                                // F2; 0, or an errno value: EPERM for what is always ready
  [[nodiscard]] bool is_current() const noexcept;      // closed() was not called meanwhile
  descriptor* operator->() const noexcept { return &descriptor_; }

 private:
  descriptor& descriptor_;
  const int fd_;
};

// The number is about to be closed, by this process. Others are not told: a child after vfork() has the same table.
void closed(int fd) noexcept;
void closed_range(unsigned first, unsigned last) noexcept;

struct watch {
  int fd;
  bool read, write;
};

// One blocking call that waits for several descriptors at once, each for either direction or both.
class wait_any {
 public:
  explicit wait_any(std::span<const watch> watches);  // takes what it needs from them
  ~wait_any();
  wait_any(const wait_any&) = delete;
  wait_any& operator=(const wait_any&) = delete;

  // An errno value if one of them cannot be watched.
  [[nodiscard]] int failed() const noexcept { return failed_; }
  // Blocks until something may have changed since the constructor or the last look(), or the time has come: false.
  bool wait(std::int64_t deadline_ns);
  void look() noexcept;  // before the caller looks for himself

 private:
  struct place;
  enum end : std::uint32_t { changed = 1, too_late, bailed_out };
  bool enlist_all() noexcept;

  static constexpr std::size_t few = 4;
  alignas(16) std::byte inline_[few * 192];
  place* places_;
  std::size_t count_ = 0;
  int failed_ = 0;
  base::atomic<std::uint32_t> claim_{0};
};

}  // namespace weft::poll::foreign
