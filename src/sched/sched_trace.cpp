// One line per interval, in the spirit of Go's GODEBUG=schedtrace:
//
//   SCHED 2004ms: procs=2 idleprocs=1 workers=5 searching=0 idleworkers=2 runqueue=0 [4 0] goroutines=17 steals=3
//   wakeups=21 retakes=0
//
// and with scheddetail=1 a line per processor, worker and goroutine below it. The monitor writes it: it runs also when all
// processors are in loops, and it sleeps until the next line is due when all are idle, so that no worker is woken for it.
//
//   T1  A line is never torn: what is written goes out in single writes of whole lines, at most PIPE_BUF bytes each.
//   T2  The monitor never waits for whoever reads stderr: what does not fit at once is left out; the next line counts it.
//   T3  What belongs to others and is no atomic (a control block, a name that is not ours) is read by way of the kernel
//       (os::peek): it may be gone. Stale values are printed, wild pointers are not followed.
//   T4  No counter is on the path of a switch: they are written beside a system call, or by a search that found something.
// Refused: a thread of its own (one more stack, and no better informed); reports when asked only (a stuck system is noticed
// from its last lines).
#include "sched/sched_trace.h"

#include <algorithm>
#include <cinttypes>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <string_view>

#include "base/settings.h"
#include "os/error_output.h"
#include "os/process_memory.h"
#include "sched/birth.h"
#include "sched/idle.h"

namespace weft::sched {
namespace {

constexpr std::uint32_t most_listed = 64;  // of each kind

// Whole lines, as many to a write as fit (T1).
class line_writer {
 public:
  ~line_writer() { flush(); }

  [[gnu::format(printf, 2, 3)]] void add(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int wanted = std::vsnprintf(line_ + used_, sizeof line_ - used_, format, arguments);
    va_end(arguments);
    if (wanted > 0) used_ = std::min(used_ + static_cast<std::size_t>(wanted), sizeof line_ - 1);
  }
  void end_line() {
    line_[used_++] = '\n';
    if (waiting_ + used_ > sizeof block_) flush();
    std::copy_n(line_, used_, block_ + waiting_);
    waiting_ += used_;
    used_ = 0;
  }

  static std::uint32_t lost_lines;

 private:
  void flush() {
    if (waiting_ != 0 && !os::write_error_output({block_, waiting_}))
      lost_lines += static_cast<std::uint32_t>(std::count(block_, block_ + waiting_, '\n'));
    waiting_ = 0;
  }

  char line_[PIPE_BUF / 2], block_[PIPE_BUF];
  std::size_t used_ = 0, waiting_ = 0;
};
std::uint32_t line_writer::lost_lines = 0;  // the monitor's

std::uint32_t work_of(const processor& p) noexcept {
  return p.queue.size() + p.shared.size() + (p.next.load(base::relaxed) != 0) + (p.offer.load(base::relaxed) != 0);
}

bool is_retired(const processor& p) noexcept { return p.index >= the.limit.load(base::relaxed); }

void write_summary(line_writer& out, std::int64_t since_start_ns) {
  std::uint64_t steals = 0;
  for_each_processor([&](const processor& p) { steals += p.steals.load(base::relaxed); });
  out.add("SCHED %" PRId64 "ms: procs=%d idleprocs=%u workers=%u searching=%u idleworkers=%u runqueue=%u [",
          since_start_ns / 1'000'000, the.limit.load(base::relaxed), the.idle_processors.load(base::relaxed),
          the.workers.load(base::relaxed), the.searching.load(base::relaxed), the.idle_workers.load(base::relaxed),
          the.injected.load(base::relaxed));
  std::uint32_t listed = 0, left_out = 0;
  for_each_processor([&](const processor& p) {
    if (is_retired(p) && work_of(p) == 0) return;
    if (listed == most_listed)
      ++left_out;
    else
      out.add("%s%u", listed++ == 0 ? "" : " ", work_of(p));
  });
  if (left_out) out.add(" and %u more", left_out);
  out.add("] goroutines=%zu steals=%" PRIu64 " wakeups=%" PRIu64 " retakes=%" PRIu64, count_goroutines(), steals,
          the.wakeups.load(base::relaxed), the.retakes.load(base::relaxed));
  if (line_writer::lost_lines) out.add(" lostlines=%u", line_writer::lost_lines);
  out.end_line();
}

void write_left_out(line_writer& out, std::size_t count, const char* what) {
  if (count == 0) return;
  out.add("  ... and %zu more %s", count, what);
  out.end_line();
}

const char* status_of(const processor& p) noexcept {
  return p.holder.load(base::relaxed) ? "running" : is_retired(p) ? "retired" : "idle";
}

// T3: a member that only its owner may look at.
template <class T>
T seen(const T& member) noexcept {
  T copy{};
  return os::peek(&member, &copy, sizeof copy) ? copy : T{};
}

void write_processors(line_writer& out, std::int64_t now) {
  std::uint32_t listed = 0, left_out = 0;
  for_each_processor([&](const processor& p) {
    if (listed++ >= most_listed) return void(++left_out);
    const worker* holder = p.holder.load(base::acquire);
    out.add("  P%d: status=%s worker=", p.index, status_of(p));
    if (holder)
      out.add("%d", seen(holder->tid));
    else
      out.add("none");
    out.add(" schedtick=%u queue=%u shared=%u next=%d steals=%" PRIu64 " timer=", p.tick.load(base::relaxed),
            p.queue.size(), p.shared.size(), p.next.load(base::relaxed) != 0 ? 1 : 0, p.steals.load(base::relaxed));
    const std::int64_t due = p.timers.next_due();
    if (due == wheel::never)
      out.add("none");
    else
      out.add("%" PRId64 "ms", std::max<std::int64_t>(due - now, 0) / 1'000'000);
    out.end_line();
  });
  write_left_out(out, left_out, "processors");
}

void write_workers(line_writer& out) {
  std::uint32_t listed = 0, left_out = 0;
  for (const worker* w = the.all_workers.load(base::acquire); w; w = w->next_all) {
    if (listed++ >= most_listed) {
      ++left_out;
      continue;
    }
    out.add("  W%d: ", seen(w->tid));
    if (const processor* held = seen(w->held))
      out.add("p=%d", held->index);
    else
      out.add("p=none");
    if (const goroutine* current = seen(w->current))
      out.add(" goroutine=%" PRIu64, seen(current->id));
    else
      out.add(" goroutine=none");
    out.add(" detached=%s waitspinned=%s", w->detached.load(base::relaxed) ? "true" : "false",
            w->waits_pinned.load(base::relaxed) ? "true" : "false");
    if (the.watcher.load(base::relaxed) == w) out.add(" watches");
    out.end_line();
  }
  write_left_out(out, left_out, "workers");
}

// A copy of a control block, or of as much of it as is looked at. It may be of a goroutine that ends meanwhile.
struct seen_goroutine {
  alignas(goroutine) std::byte copy[sizeof(goroutine)];

  // False: nobody lives there.
  bool look(const goroutine* at) {
    return os::peek(at, copy, sizeof copy) && get().mark.load(base::relaxed) == goroutine::alive_mark;
  }
  const goroutine& get() const noexcept { return *reinterpret_cast<const goroutine*>(copy); }
};

void write_goroutine(line_writer& out, const goroutine& g, std::int64_t now) {
  const wait_reason reason = g.reason.load(base::relaxed);
  out.add("  G%" PRIu64 ": status=", g.id);
  if (reason != wait_reason::none)
    out.add("waiting(%s) for=%" PRId64 "ms", describe(reason),
            std::max<std::int64_t>(now - g.since_ns.load(base::relaxed), 0) / 1'000'000);
  else
    out.add(g.context.sp.load(base::relaxed) ? "runnable" : "running");
  char name[64] = "";
  if (os::peek(g.name, name, 1) && *name) {
    std::size_t length = 1;
    while (length < sizeof name - 1 && os::peek(g.name + length, name + length, 1) && name[length]) ++length;
    name[length] = '\0';
    out.add(" name=%s", name);
  }
  out.add(" creator=%" PRIu64, g.creator);
  out.end_line();
}

void write_goroutines(line_writer& out, std::int64_t now) {
  std::size_t listed = 0;
  stack::for_each_live([&](std::byte* top, std::byte*) {
    if (listed == most_listed) return;
    if (seen_goroutine seen; seen.look(goroutine_at(top))) {
      ++listed;
      write_goroutine(out, seen.get(), now);
    }
  });
  const std::size_t all = count_goroutines();
  write_left_out(out, all > listed ? all - listed : 0, "goroutines");
}

}  // namespace

std::int64_t trace_schedule(std::int64_t now) {
  static const std::int64_t interval_ns = base::settings().debug_schedtrace * std::int64_t{1'000'000};
  if (interval_ns == 0) return wheel::never;
  static const std::int64_t started_ns = now;
  static std::int64_t due_ns = now;
  if (now < due_ns) return due_ns;
  due_ns += (now - due_ns) / interval_ns * interval_ns + interval_ns;  // one that was missed is not made up for
  line_writer out;
  write_summary(out, now - started_ns);
  if (base::settings().debug_scheddetail) {
    write_processors(out, now);
    write_workers(out);
    write_goroutines(out, now);
  }
  return due_ns;
}

}  // namespace weft::sched
