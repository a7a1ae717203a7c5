// E6: what a parked task reserves and what it really takes.
#include <atomic>
#include <fstream>

#include "crowd.h"
#include "experiments.h"
#include "judge.h"

namespace weft::lab {
namespace {

constexpr long sizes[] = {1'000, 10'000, 100'000};

// The stacks the kernel keeps for all threads of the machine.
double kernel_stack_bytes() {
  std::ifstream info("/proc/meminfo");
  for (std::string name, unit; info >> name;) {
    double kib = 0;
    if (info >> kib && name == "KernelStack:") return kib * 1024;
    std::getline(info, unit);
  }
  return 0;
}

template <class Tasks>
void run(sheet& s) {
  const long tasks = Tasks::allowed(s, s.argument("tasks"));
  std::atomic<long> arrived{0};
  typename Tasks::gate end;
  auto park = [&](long) {
    ++arrived;
    end.wait();
  };
  typename Tasks::crowd parked(s);
  const proc_status before = read_proc_status();
  const double kernel_before = kernel_stack_bytes();
  const long started = parked.start(tasks, park);
  wait_until_reached<Tasks>(arrived, started);
  const proc_status after = read_proc_status();
  const auto each = [&](double now, double then) { return (now - then) / static_cast<double>(started); };
  s.set("tasks", static_cast<double>(started));
  s.set("task_reserved_bytes", each(after.reserved_bytes, before.reserved_bytes));
  s.set("task_resident_bytes", each(after.resident_bytes, before.resident_bytes));
  s.set("task_table_bytes", each(after.page_table_bytes, before.page_table_bytes));
  s.set("task_bytes", each(after.memory_bytes(), before.memory_bytes()));
  s.set("task_kernel_bytes", std::max(0.0, each(kernel_stack_bytes(), kernel_before)));
  end.open();
  parked.join();
}

std::vector<job> plan(const arguments& given) {
  std::vector<job> jobs;
  for (const kind who : {kind::threads, kind::goroutines, kind::go}) {
    for (const long tasks : sizes) {
      if (tasks <= given.at("most-tasks")) jobs.push_back({who, "", {{"tasks", tasks}}});
    }
  }
  if (jobs.empty()) {
    for (const kind who : {kind::threads, kind::goroutines, kind::go})
      jobs.push_back({who, "", {{"tasks", given.at("most-tasks")}}});
  }
  return jobs;
}

void verdict(judge& j) {
  const arguments size{{"tasks", std::min(10'000L, j.parameter("most-tasks"))}};
  const run_key threads{kind::threads, "", size}, tasks{kind::goroutines, "", size};
  j.at_least("a thread reserves 8 MiB", j.figure(threads, "task_reserved_bytes"), 8 * 0x1p20 * 0.99, "_bytes");
  j.at_least("a thread takes 8 KB", j.figure(threads, "task_bytes"), 8'000, "_bytes");
  j.at_most("a goroutine takes about 2–4 KB", j.figure(tasks, "task_bytes"), 4.7 * 1024, "_bytes");
  j.at_least("a thread takes at least twice a goroutine", j.ratio(threads, tasks, "task_bytes"), 2);
}

}  // namespace

experiment e06_stacks() {
  return {.id = "e6",
          .name = "stacks",
          .title = "Stack arithmetic",
          .what =
              "1,000, 10,000 and 100,000 parked tasks: address space reserved and memory taken by each, page tables "
              "included; what the kernel keeps for a thread beside that is shown as well (it is counted for the "
              "whole machine).",
          .claim = "A thread: 8 MiB reserved, 8 KB resident. A goroutine: about 2–4 KB.",
          .parameters = {{"most-tasks", "leave out the sizes above this one", 100'000, 100'000}},
          .bodies = {{kind::threads, "", &run<os_threads>}, {kind::goroutines, "", &run<goroutines>}},
          .plan = &plan,
          .columns = {{"tasks", "tasks"},
                      {"task_reserved_bytes", "reserved each"},
                      {"task_resident_bytes", "resident each"},
                      {"task_table_bytes", "page tables each"},
                      {"task_bytes", "takes in all"},
                      {"task_kernel_bytes", "kernel stack each"}},
          .charts = {{chart::type::lines, "Memory per parked task", {"task_bytes"}, "tasks"},
                     {chart::type::lines, "Address space per parked task", {"task_reserved_bytes"}, "tasks", true}},
          .verdict = &verdict};
}

}  // namespace weft::lab
