// E8: what it costs to start a task that does nothing, and to see it end.
#include "crowd.h"
#include "experiments.h"
#include "judge.h"

namespace weft::lab {
namespace {

constexpr auto nothing = [](long) {};

template <class Tasks>
void one_by_one(sheet& s, long tasks) {
  typename Tasks::crowd one(s);
  stopwatch all;
  for (long i = 0; i < tasks; ++i) {
    one.start(1, nothing);
    one.join();
  }
  s.set("task_ns", all.ns() / static_cast<double>(tasks));
  s.set("tasks", static_cast<double>(tasks));
}

template <class Tasks>
void all_at_once(sheet& s, long wanted) {
  const long tasks = Tasks::allowed(s, wanted);
  typename Tasks::crowd everybody(s);
  stopwatch all;
  const long started = everybody.start(tasks, nothing);
  everybody.join();
  s.set("task_ns", all.ns() / static_cast<double>(started));
  s.set("tasks", static_cast<double>(started));
}

std::vector<job> plan(const arguments&) {
  std::vector<job> jobs;
  for (const kind who : {kind::threads, kind::goroutines, kind::go}) {
    for (const char* form : {"one by one", "all at once"}) jobs.push_back({who, form});
  }
  return jobs;
}

void verdict(judge& j) {
  j.complete("all goroutines ran", {kind::goroutines, "all at once"});
  for (const char* form : {"one by one", "all at once"}) {
    j.at_most(std::string("a goroutine costs under a microsecond, ") + form,
              j.figure({kind::goroutines, form}, "task_ns"), 1'000, "_ns");
    j.at_least(std::string("a thread costs more, ") + form,
               j.ratio({kind::threads, form}, {kind::goroutines, form}, "task_ns"), 10);
  }
}

}  // namespace

experiment e08_spawn() {
  return {
      .id = "e8",
      .name = "spawn",
      .title = "Spawn and join",
      .what =
          "A million empty tasks: one started, one joined, again and again; and all started, then all joined. "
          "Threads: fewer of them, and all at once as many as the limits allow.",
      .claim = "Creation and teardown of goroutines are cheap.",
      .parameters = {{"tasks", "empty goroutines", 1'000'000, 300'000},
                     {"thread-tasks", "empty threads", 50'000, 10'000}},
      .bodies = {{kind::threads, "one by one", [](sheet& s) { one_by_one<os_threads>(s, s.argument("thread-tasks")); }},
                 {kind::threads, "all at once",
                  [](sheet& s) { all_at_once<os_threads>(s, s.argument("thread-tasks")); }},
                 {kind::goroutines, "one by one", [](sheet& s) { one_by_one<goroutines>(s, s.argument("tasks")); }},
                 {kind::goroutines, "all at once", [](sheet& s) { all_at_once<goroutines>(s, s.argument("tasks")); }}},
      .plan = &plan,
      .columns = {{"tasks", "tasks"},
                  {"task_ns", "each"},
                  {"user_s", "user"},
                  {"sys_s", "sys"},
                  {"peak_bytes", "peak memory"}},
      .charts = {{chart::type::bars, "Start and join one empty task", {"task_ns"}, "", true}},
      .verdict = &verdict,
      .best_by = "task_ns"};
}

}  // namespace weft::lab
