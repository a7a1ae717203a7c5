// The search: run the body, take the next combination of choices, run it again.
#include <gtest/gtest.h>

#include <signal.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "engine/engine.h"

namespace model {

engine e;
bool mutant_was_built_in = false;  // main.cpp: the program was compiled from a mutated source

namespace {

struct kept {
  void* memory;
  std::vector<char> bytes;
};
std::vector<kept> restored;

void run_once(const program& body) {
  for (const kept& k : restored) std::memcpy(k.memory, k.bytes.data(), k.bytes.size());
  begin_memory();
  begin_plain();
  ++e.execution;
  ++e.executions;
  e.depth = 0;
  e.preemptions = e.stale_reads = e.spurious = e.timeouts = 0;
  e.asleep = 0;
  e.now = 0;
  e.history.clear();
  e.history.push_back({});  // step 0: what was there before
  e.has_failed = e.is_redundant = e.gave_up = false;
  e.is_exploring = true;
  run_body(body);
  e.steps_taken += e.history.size();
}

// A wild pointer in the program is a finding, not the end of the checker.
void on_crash(int) {
  e.in_program = false;
  fail("the program crashed: it used a wild pointer");
}

void catch_crashes() {
  struct sigaction action{};
  action.sa_handler = on_crash;
  action.sa_flags = SA_NODEFER;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGSEGV, &action, nullptr);
  ::sigaction(SIGBUS, &action, nullptr);
}

bool next_path() {
  e.path.resize(e.depth);  // a failed or redundant execution may have ended before its path
  while (!e.path.empty() && e.path.back().taken + 1 == e.path.back().options) e.path.pop_back();
  if (e.path.empty()) return false;
  ++e.path.back().taken;
  return true;
}

// All executions within e.limits. True: one failed.
bool search(const program& body) {
  while (true) {
    e.path.clear();
    e.learnt = false;
    do {
      run_once(body);
      if (e.has_failed) return true;
    } while (!e.learnt && next_path());
    if (!e.learnt) return false;  // E3
  }
}

struct found {
  bool failed = false;
  int bound = 0;
  double seconds = 0;
};

int more_depth() {
  const char* text = std::getenv("WEFT_MODEL_DEPTH");
  return text ? std::atoi(text) : 0;
}

void replay(const program& body, const char* path) {
  e.path = path_from(path);
  run_once(body);
  std::printf("%s", report().c_str());
}

found explore(bound limits, const program& body, const mutation* mistake) {
  const auto start = std::chrono::steady_clock::now();
  const int most = limits.preemptions >= all ? all : limits.preemptions + more_depth();
  catch_crashes();
  e.limits = limits;
  e.executions = e.steps_taken = 0;
  e.shared.clear();
  e.mistake = mistake;
  e.mistake_line = mistake ? line_of(*mistake) : 0;
  e.mistake_hits = 0;
  for (kept& k : restored) std::memcpy(k.bytes.data(), k.memory, k.bytes.size());
  found result;
  result.bound = most == all ? all : 0;
  while (true) {
    e.limits.preemptions = result.bound;
    result.failed = search(body);
    if (result.failed || result.bound == most) break;
    ++result.bound;
  }
  for (const kept& k : restored) std::memcpy(k.memory, k.bytes.data(), k.bytes.size());
  e.mistake = nullptr;
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

void print(const char* verdict, const found& result) {
  std::string within = result.bound == all ? "all interleavings" : std::to_string(result.bound) + " preemptions";
  std::printf("[  model   ] %s: %s, %d stale reads; %llu executions, %llu states, %.2f s\n", verdict, within.c_str(),
              e.limits.stale_reads, static_cast<unsigned long long>(e.executions),
              static_cast<unsigned long long>(e.steps_taken), result.seconds);
}

}  // namespace

int pick(int options) noexcept {
  if (options <= 1) return 0;
  if (e.depth == e.path.size()) e.path.push_back({0, static_cast<std::uint16_t>(options)});
  choice& now = e.path[e.depth++];
  if (now.options != options) {
    if (now.options != 0) give_up("the program is not deterministic: a choice has another number of options than before");
    now.options = static_cast<std::uint16_t>(options);  // from a replayed text
  }
  return now.taken;
}

void restore_each_time(void* memory, std::size_t size) { restored.push_back({memory, std::vector<char>(size)}); }

void holds(bound limits, const program& body) {
  if (mutant_was_built_in) return caught({}, limits, body);
  if (const char* path = std::getenv("WEFT_MODEL_REPLAY")) {
    e.limits = limits;
    return replay(body, path);
  }
  const found result = explore(limits, body, nullptr);
  print("holds", result);
  if (result.failed) ADD_FAILURE() << report();
}

void caught(const mutation& mistake, bound limits, const program& body) {
  const found result = explore(limits, body, mistake.file ? &mistake : nullptr);
  if (!result.failed || e.gave_up) {
    print("MISSED", result);
    if (e.gave_up) std::printf("%s", report().c_str());
    ADD_FAILURE() << "the mutant is not caught: " << (mistake.code ? mistake.code : "(built in)");
  } else {
    print("caught", result);
    std::printf("[  model   ] by: %s\n", e.failure.c_str());
    if (std::getenv("WEFT_MODEL_SHOW")) std::printf("%s", report().c_str());
  }
}

std::set<std::string> outcomes(bound limits, const program& body) {
  std::set<std::string> all_told;
  e.told = &all_told;
  const found result = explore(limits, body, nullptr);
  e.told = nullptr;
  print("explored", result);
  if (result.failed) ADD_FAILURE() << report();
  return all_told;
}

}  // namespace model
