// E7: stacks start small and grow when they are needed.
#include <atomic>

#include "crowd.h"
#include "experiments.h"
#include "judge.h"

namespace weft::lab {
namespace {

constexpr long depths_kib[] = {4, 16, 64, 160};
constexpr long frame_bytes = 1024;

// Calls `at_bottom` with about `bytes` of stack in use, all of it touched.
template <class F>
[[gnu::noinline]] void descend(long bytes, F& at_bottom) {
  volatile char frame[frame_bytes - 64];  // the rest is what a call itself takes
  frame[0] = 1;
  frame[sizeof frame - 1] = 1;
  if (bytes <= frame_bytes)
    at_bottom();
  else
    descend(bytes - frame_bytes, at_bottom);
  frame[1] = frame[0];  // the frame is needed until here: no tail call
}

template <class Tasks>
void run(sheet& s) {
  const long tasks = Tasks::allowed(s, s.argument("tasks"));
  const long depth_bytes = s.argument("depth-kib") * 1024;
  std::atomic<long> shallow{0}, deep{0}, returned{0};
  typename Tasks::gate go_down, come_up, end;
  auto work = [&](long) {
    ++shallow;
    go_down.wait();
    auto at_bottom = [&] {
      ++deep;
      come_up.wait();
    };
    descend(depth_bytes, at_bottom);
    ++returned;
    end.wait();
  };
  const double empty = read_proc_status().resident_bytes;
  double started = 0;
  const auto each = [&] { return std::max(0.0, read_proc_status().resident_bytes - empty) / started; };
  {
    typename Tasks::crowd all(s);
    started = static_cast<double>(all.start(tasks, work));
    const auto everybody = static_cast<long>(started);
    wait_until_reached<Tasks>(shallow, everybody);
    s.set("before_bytes", each());
    go_down.open();
    wait_until_reached<Tasks>(deep, everybody);
    s.set("at_depth_bytes", each());
    come_up.open();
    wait_until_reached<Tasks>(returned, everybody);
    s.set("after_bytes", each());
    end.open();
    all.join();
  }
  Tasks::sleep(std::chrono::milliseconds(s.argument("idle-ms")));  // an idle second gives the memory back
  s.set("ended_bytes", each());
  s.set("tasks", started);
}

std::vector<job> plan(const arguments&) {
  std::vector<job> jobs;
  for (const kind who : {kind::threads, kind::goroutines, kind::go}) {
    for (const long kib : depths_kib)
      jobs.push_back(
          {who, "", {{"depth-kib", kib}}, std::string(kind_name(who)) + ", " + std::to_string(kib) + " KiB"});
  }
  return jobs;
}

void verdict(judge& j) {
  const run_key shallow{kind::goroutines, "", {{"depth-kib", 4}}}, deep{kind::goroutines, "", {{"depth-kib", 160}}};
  j.at_most("a goroutine starts small", j.figure(deep, "before_bytes"), 8 * 1024, "_bytes");
  j.at_least("and grows when needed: at 160 KiB it holds them", j.figure(deep, "at_depth_bytes"), 150 * 1024, "_bytes");
  j.at_most("but takes no more than it uses", j.figure(deep, "at_depth_bytes"), 176 * 1024, "_bytes");
  j.at_most("a shallow one stays small", j.figure(shallow, "at_depth_bytes"), 16 * 1024, "_bytes");
  j.at_most("memory comes back after the end: left of the peak",
            judge::ratio(j.figure(deep, "ended_bytes"), j.figure(deep, "at_depth_bytes")), 0.15);
}

}  // namespace

experiment e07_growth() {
  return {.id = "e7",
          .name = "growth",
          .title = "Growth",
          .what =
              "1,000 tasks recurse until 4, 16, 64 or 160 KiB of stack are in use, and return: memory per task "
              "before, at depth, after the return, and a second after all have ended.",
          .claim = "Stacks start small and grow when needed.",
          .parameters = {{"tasks", "tasks that recurse", 1'000, 300},
                         {"idle-ms", "wait this long after the end, in ms", 1'100, 300}},
          .bodies = {{kind::threads, "", &run<os_threads>}, {kind::goroutines, "", &run<goroutines>}},
          .plan = &plan,
          .columns = {{"before_bytes", "before"},
                      {"at_depth_bytes", "at depth"},
                      {"after_bytes", "after return"},
                      {"ended_bytes", "ended"}},
          .charts = {{chart::type::bars, "Memory per task", {"before_bytes", "at_depth_bytes", "ended_bytes"}}},
          .verdict = &verdict};
}

}  // namespace weft::lab
