#include "debug/dump_text.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <vector>

#include "debug/frames_text.h"
#include "debug/object_text.h"

namespace weft::debug {
namespace {

std::string state_text(const stack_group& g, std::int64_t now_ns) {
  switch (g.doing) {
    case activity::running: return "running";
    case activity::blocked: return "syscall";
    case activity::newborn: return "runnable, never ran";
    case activity::runnable: return "runnable";
    case activity::parked: break;
  }
  std::string text = sched::describe(g.reason);
  if (g.is_in_virtual_time) return text + ", virtual time";
  const std::string shortest = age_text(now_ns - g.since_max_ns), longest = age_text(now_ns - g.since_min_ns);
  return text + ", " + (shortest == longest ? longest : shortest + " to " + longest);
}

}  // namespace

std::string age_text(std::int64_t ns) {
  constexpr std::int64_t second = 1'000'000'000;
  char text[48];
  if (ns < second) std::snprintf(text, sizeof text, "%" PRId64 " ms", std::max<std::int64_t>(ns, 0) / 1'000'000);
  else if (ns < 120 * second) std::snprintf(text, sizeof text, "%" PRId64 " seconds", ns / second);
  else std::snprintf(text, sizeof text, "%" PRId64 " minutes", ns / (60 * second));
  return text;
}

std::string group_text(symboliser& names, const stack_group& g, std::int64_t now_ns, bool is_complete) {
  std::string text = "goroutine " + std::to_string(g.ids[0]) + " [" + state_text(g, now_ns);
  if (g.count > 1) text += ", " + std::to_string(g.count) + (g.pcs.empty() ? " alike" : " with this stack");
  text += "]:";
  if (*g.name) text.append(" ").append(g.name);
  text += '\n';
  if (!g.pcs.empty()) {
    text += stack_text(names, g.pcs, g.end, is_complete ? hidden_frames::bottom_only : hidden_frames::both_ends);
  } else if (g.doing != activity::newborn) {
    text += "\tits stack could not be walked: it moved on, or its thread did not answer\n";
  }
  text += creation_text(names, g.start_site, g.creator);
  if (g.object && g.has_one_object) text += "\twaits for " + object_text(g.reason, g.object) + '\n';
  if (g.count > 1) {
    text += "\talso goroutines";
    const std::size_t listed = std::min<std::size_t>(g.count, stack_group::most_ids);
    for (std::size_t i = 1; i < listed; ++i) text += (i == 1 ? " " : ", ") + std::to_string(g.ids[i]);
    text += g.count > listed ? ", ...\n" : "\n";
  }
  return text;
}

void write_census(os::text_sink& out, symboliser& names, const census& all, std::uint64_t first, bool is_complete) {
  std::vector<const stack_group*> order;
  for (const stack_group& g : all.groups()) order.push_back(&g);
  const auto is_first = [&](const stack_group* g) { return first != 0 && g->ids[0] == first && g->doing == activity::running; };
  std::sort(order.begin(), order.end(), [&](const stack_group* a, const stack_group* b) {
    return is_first(a) != is_first(b) ? is_first(a) : a->ids[0] < b->ids[0];
  });
  if (all.counted() > order.size())
    out.write(std::to_string(all.counted()) + " goroutines, " + std::to_string(order.size()) + " different stacks\n");
  for (const stack_group* g : order)
    if (!out.write("\n" + group_text(names, *g, all.taken_at_ns(), is_complete && is_first(g)))) return;
  if (all.groups().size() >= census::most_groups) out.write("\nToo many different stacks: the others were put together by their last frame.\n");
  if (!names.has_lines()) out.write("\nInstall libdw1 to see functions, files and lines.\n");
}

}  // namespace weft::debug
