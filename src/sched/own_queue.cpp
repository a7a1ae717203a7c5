#include "sched/own_queue.h"

#include "base/prefetch.h"

namespace weft::sched {

// First the control block; when it comes to the front of the line the frames it sleeps in, whose place the control block
// tells, and what it waited for.
void own_queue::fetch_ahead(std::uint32_t from) const noexcept {
  constexpr std::size_t last_frames = 448;
  if (const runnable later = line_.peek(from + 2); !later.is_newborn())
    base::prefetch(later.as_goroutine(), base::cache_line);
  if (const runnable next = line_.peek(from); !next.is_newborn()) {
    const goroutine& g = *next.as_goroutine();
    base::prefetch(g.context.sp.load(base::relaxed), last_frames);
    if (const void* object = g.object.load(base::relaxed)) base::prefetch(object, 2 * base::cache_line);
  }
}

}  // namespace weft::sched
