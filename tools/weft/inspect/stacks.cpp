#include "inspect/stacks.h"

#include <utility>

namespace weft::tool {

using arch::registers;

namespace {

seen_stack nothing(std::string why) { return {.pcs = {}, .end = debug::walk_end::lost, .problem = std::move(why)}; }

}  // namespace

seen_stack stack_reader::walk(const registers& from, const std::vector<std::byte>& bytes) {
  seen_stack seen;
  const std::uint64_t sp = from.value[registers::sp];
  seen.pcs.resize(debug::most_frames);
  const debug::walk_result result = debug::walk(from, {bytes.data(), sp, sp + bytes.size()}, code_, &rules_, seen.pcs);
  seen.pcs.resize(result.count);
  seen.end = result.end;
  return seen;
}

// Its three saved registers are all that its stack needs. If it has moved since the snapshot, or while its stack was
// copied, what there is now is taken: in a live process that is as true.
seen_stack stack_reader::of_parked(const seen_goroutine& before) {
  constexpr int attempts = 5;
  seen_goroutine g = before;
  for (int i = 0; i < attempts; ++i) {
    registers saved;
    saved.set(registers::sp, g.sp);
    saved.set(registers::pc, g.pc);
    saved.set(registers::fp, g.fp);
    const std::vector<std::byte> bytes = process_.stack(g.sp, g.stack_top);
    if (g.sp != 0 && is_unchanged(where_, g)) {
      if (bytes.empty()) return nothing("its stack is not in the core file");
      return walk(saved, bytes);
    }
    if (where_.field_at(g.block, "goroutine.mark") != where_["alive_mark"] ||
        where_.field_at(g.block, "goroutine.id") != g.id)
      return nothing("it has ended meanwhile");
    g.sp = where_.field_at(g.block, "goroutine.context.sp");
    g.pc = where_.field_at(g.block, "goroutine.context.pc");
    g.fp = where_.field_at(g.block, "goroutine.context.fp");
  }
  return nothing("it runs on and off: it never stood still while its stack was read");
}

seen_stack stack_reader::read(const seen_goroutine& g) {
  if (g.state == goroutine_state::fresh) return nothing("it has not run yet: it has no stack");
  if (g.thread == 0) return of_parked(g);
  const thread_look look = process_.look_at_thread(g.thread, g.stack_top);
  if (!look.problem.empty()) return nothing(look.problem);
  const std::uint64_t sp = look.registers.value[registers::sp];
  if (sp < g.stack_base || sp >= g.stack_top) {
    if (where_.field_at(g.block, "goroutine.context.sp") != 0) return of_parked(g);  // it has parked meanwhile
  }
  return walk(look.registers, look.stack);
}

}  // namespace weft::tool
