// E16: goroutines that wait for ever, and the report that names their line.
#include <weft/weft.h>
#include <weft/debug.h>

#include <string>

#include "experiments.h"
#include "judge.h"
#include "sheet.h"

namespace weft::lab {
namespace {

// How many are proven leaked, and in how many of the reports this file is named.
void count_leaks(sheet& s, long planted) {
  const stopwatch looking;
  std::size_t found = 0, named = 0, reports = 0;
  for (const debug::leak& l : debug::leaks()) {
    if (l.how != debug::leak::evidence::proven) continue;
    ++reports;
    found += l.count;
    named += l.report.find("e16_leaks.cpp:") != std::string::npos ? 1 : 0;
  }
  s.set("look_s", looking.seconds());
  s.set("planted", static_cast<double>(planted));
  s.set("leaked", static_cast<double>(found));
  s.set("missed", static_cast<double>(planted - static_cast<long>(found)));
  s.set("unnamed", static_cast<double>(reports - named));
}

// The main goroutine is the only one that is to be left, or all have parked.
void wait_until_quiet(std::size_t left) {
  for (int round = 0; round < 1000 && goroutines() != left; ++round) yield();
  for (int round = 0; round < 1000; ++round) yield();
}

[[gnu::noinline]] void start_receivers(long n) {
  for (long i = 0; i < n; ++i) {
    chan<int> answer;
    go([answer] { answer.recv(); });
  }
}
[[gnu::noinline]] void start_receivers(long n, const context& ctx) {
  for (long i = 0; i < n; ++i) {
    chan<int> answer;
    go([answer, ctx] {
      auto got = on_recv(answer);
      auto quit = on_done(ctx);
      select(got, quit);
    });
  }
}
[[gnu::noinline]] int fastest(long n) {
  chan<int> answers;
  for (long i = 0; i < n; ++i) go([answers, i] { answers.send(static_cast<int>(i)); });
  return *answers.recv();
}
[[gnu::noinline]] int fastest(long n, const context& ctx) {
  chan<int> answers;
  for (long i = 0; i < n; ++i)
    go([answers, i, ctx] {
      auto answer = on_send(answers, static_cast<int>(i));
      auto quit = on_done(ctx);
      select(answer, quit);
    });
  return *answers.recv();
}

void forgotten_receivers(sheet& s) {
  const long n = s.argument("goroutines");
  start_receivers(n);
  wait_until_quiet(static_cast<std::size_t>(n) + 1);
  count_leaks(s, n);
}
void forgotten_losers(sheet& s) {
  const long n = s.argument("goroutines");
  fastest(n);
  wait_until_quiet(static_cast<std::size_t>(n));
  count_leaks(s, n - 1);
}
template <class Start>
void corrected(sheet& s, Start start) {
  const long n = s.argument("goroutines");
  {
    const auto ctx = with_cancel(background());
    start(n, ctx);
  }
  wait_until_quiet(1);
  count_leaks(s, 0);
}

std::vector<job> plan(const arguments&) {
  return {{kind::goroutines, "receivers"},
          {kind::goroutines, "receivers, context"},
          {kind::goroutines, "fastest of n"},
          {kind::goroutines, "fastest of n, context"}};
}

void verdict(judge& j) {
  const auto figure = [&](const char* form, const char* name) { return j.figure({kind::goroutines, form}, name); };
  j.at_most("receivers that nobody sends to: missed", figure("receivers", "missed"), 0, "");
  j.at_most("losers that nobody hears: missed", figure("fastest of n", "missed"), 0, "");
  j.at_most("reports that do not name the line, receivers", figure("receivers", "unnamed"), 0, "");
  j.at_most("reports that do not name the line, losers", figure("fastest of n", "unnamed"), 0, "");
  j.at_most("leaks found with a context, receivers", figure("receivers, context", "leaked"), 0, "");
  j.at_most("leaks found with a context, losers", figure("fastest of n, context", "leaked"), 0, "");
}

}  // namespace

experiment e16_leaks() {
  return {.id = "e16",
          .name = "leaks",
          .title = "Leaked goroutines",
          .what =
              "Receivers that nobody sends to, and a race of n for the first answer that forgets the losers; both corrected "
              "with a context. weft::debug::leaks() looks at each.",
          .claim = "The leaks are proven and their line is named; the corrected programs have none.",
          .parameters = {{"goroutines", "goroutines", 1'000, 100}},
          .bodies = {{kind::goroutines, "receivers", &forgotten_receivers},
                     {kind::goroutines, "receivers, context", [](sheet& s) { corrected(s, [](long n, const context& c) { start_receivers(n, c); }); }},
                     {kind::goroutines, "fastest of n", &forgotten_losers},
                     {kind::goroutines, "fastest of n, context", [](sheet& s) { corrected(s, [](long n, const context& c) { fastest(n, c); }); }}},
          .plan = &plan,
          .columns = {{"planted", "planted"}, {"leaked", "proven leaked"}, {"look_s", "looking"}},
          .charts = {{chart::type::bars, "Proven leaked", {"leaked"}}},
          .verdict = &verdict};
}

}  // namespace weft::lab
