// debug::leaks(), and the same when the process exits.
//
// Proven ones are found by counting handles (leaks.h). Suspected are those that have waited for longer than some age for
// anything but time, a descriptor, or one of weft's own affairs; of those with the same stack the oldest counts.
#include <weft/debug.h>

#include <algorithm>
#include <cstdlib>

#include "arch/unwind_registers.h"
#include "base/settings.h"
#include "debug/census.h"
#include "debug/dump_text.h"
#include "debug/large_stack.h"
#include "debug/leak_report.h"
#include "debug/leaks.h"
#include "os/text_sink.h"

namespace weft::debug {
namespace {

using sched::wait_reason;

// What ends by itself, or when the world outside does something.
bool ends_by_itself(wait_reason reason) noexcept {
  switch (reason) {
    case wait_reason::none:
    case wait_reason::sleep:
    case wait_reason::io_wait:
    case wait_reason::io_turn:
    case wait_reason::run:
    case wait_reason::bubble:
    case wait_reason::settle: return true;
    default: return false;
  }
}

std::vector<std::uint64_t> ids_of(const stack_group& g) {
  return {g.ids, g.ids + std::min<std::size_t>(g.count, stack_group::most_ids)};
}

leak describe(leak::evidence how, const char* why, const stack_group& g, const census& all, symboliser& names) {
  return {how, g.count, ids_of(g), std::string(why) + '\n' + group_text(names, g, all.taken_at_ns(), false)};
}

std::vector<leak> find_leaks(std::int64_t age_ns, std::uint64_t asker_sp) {
  std::vector<leak> found;
  const std::vector<std::uint64_t> proven = find_proven_leaks(asker_sp);
  symboliser names(whose::self());
  census theirs;
  theirs.take_some([&](std::uint64_t id) { return std::binary_search(proven.begin(), proven.end(), id); });
  for (const stack_group& g : theirs.groups()) {
    if (g.doing != activity::parked) continue;  // a moment ago it was
    const char* why = g.object ? "leaked: only goroutines that wait like this have a handle to the channel" : "leaked: it waits for what never comes";
    found.push_back(describe(leak::evidence::proven, why, g, theirs, names));
  }
  census others;
  others.take_some([&](std::uint64_t id) { return !std::binary_search(proven.begin(), proven.end(), id); });
  for (const stack_group& g : others.groups()) {
    if (g.doing != activity::parked || ends_by_itself(g.reason) || g.is_in_virtual_time) continue;
    if (others.taken_at_ns() - g.since_min_ns < age_ns) continue;
    found.push_back(describe(leak::evidence::suspected, "perhaps leaked: it has been waiting here for long", g, others, names));
  }
  return found;
}

}  // namespace

std::vector<leak> leaks(clock::duration age) {
  __builtin_unwind_init();  // handles that the callers keep in registers are in this frame from here on
  const std::uint64_t own_sp = arch::registers_here().value[arch::registers::sp];
  std::vector<leak> found;
  on_large_stack([&] { found = find_leaks(age.count(), own_sp); });
  return found;
}

void report_leaks_at_exit() {
  if (!base::settings().debug_leaks) return;
  std::atexit([] {
    os::text_sink out(STDERR_FILENO);
    for (const leak& l : leaks(clock::duration(0))) out.write("weft: " + l.report + '\n');
  });
}

}  // namespace weft::debug
