#include "sched/own_queue.h"

#include "base/prefetch.h"

namespace weft::sched {

// First the control blocks, several at once: each lies in a page of its own, whose address the CPU looks up for 100 ns where
// there are thousands, and it does so for a few at a time. Of whoever comes to the front of the line then the frames he sleeps
// in, whose place the control block tells, those of what he calls next, below them, and what he waited for.
void own_queue::fetch_ahead(std::uint32_t from) const noexcept {
  constexpr std::size_t last_frames = 320, next_frames = 128;           // above and below the stack pointer
  constexpr std::size_t next_of_sleeper = 48, lines_of_sleeper = 3;  // time/sleep.cpp
  constexpr std::uint32_t at_once = 4;
  constexpr std::uint32_t frames_ahead = 1;  // the turn of a sleeper is shorter than the way to memory
  static_assert(2 * at_once < long_line);
  if ((line_.look().head + from) % at_once == 0)
    for (std::uint32_t i = from + at_once; i < from + 2 * at_once; ++i)
      if (const runnable later = line_.peek(i); !later.is_newborn()) base::prefetch(later.as_goroutine(), base::cache_line);
  if (const runnable next = line_.peek(from + frames_ahead); !next.is_newborn()) {
    const goroutine& g = *next.as_goroutine();
    const auto sp = reinterpret_cast<std::uintptr_t>(g.context.sp.load(base::relaxed));
    if (g.reason.load(base::relaxed) == wait_reason::sleep) {  // without a loop: they are many
      const std::uintptr_t lowest = sp - next_of_sleeper;      // a number: `sp` is null until he has left his stack
      for (std::size_t i = 0; i < lines_of_sleeper; ++i)
        __builtin_prefetch(reinterpret_cast<const void*>(lowest + i * base::cache_line), 1);
      return;
    }
    base::prefetch(reinterpret_cast<const void*>(sp - next_frames), next_frames + last_frames);
    if (const void* object = g.object.load(base::relaxed)) base::prefetch(object, 2 * base::cache_line);
  }
}

}  // namespace weft::sched
