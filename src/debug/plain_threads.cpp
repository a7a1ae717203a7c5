#include "debug/plain_threads.h"

#include <algorithm>
#include <fstream>

#include "debug/dump_text.h"
#include "debug/frames_text.h"
#include "debug/object_text.h"
#include "debug/unwind.h"
#include "os/own_memory.h"
#include "os/process_threads.h"
#include "os/thread_places.h"

namespace weft::debug {
namespace {

using arch::registers;

constexpr std::int64_t visit_patience_ns = 100'000'000;

std::string name_of(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

std::uint64_t stack_pointer_of(pid_t thread) {
  os::blocked_place place;
  if (!os::find_blocked_place(thread, place)) return 0;
  if (place.is_blocked) return place.sp;
  std::uint64_t sp = 0;
  const auto note = [](void* into, void* context) {
    *static_cast<std::uint64_t*>(into) = arch::registers_of(context).value[registers::sp];
  };
  os::visit_thread(thread, note, &sp, visit_patience_ns);
  return sp;
}

// From where it parks on: weft's functions keep frame pointers, so the frame has the caller's and where that goes on. The
// stack stays as it is while the thread sleeps; if it has woken up meanwhile, the walk is lost, at worst wrong.
std::string stack_of(symboliser& names, const sched::thread_note& t) {
  const auto frame_at = reinterpret_cast<std::uintptr_t>(t.frame);
  os::mapping where;
  if (!os::find_mapping(frame_at, where)) return {};
  std::vector<std::byte> copy(std::min<std::uintptr_t>(where.high - frame_at, 256 * 1024));
  if (!os::copy_own_memory(t.frame, copy.data(), copy.size())) return {};
  const stack_window window{copy.data(), frame_at, frame_at + copy.size()};
  std::uint64_t outer, back;
  if (!window.read(frame_at, outer) || !window.read(frame_at + sizeof outer, back)) return {};
  registers frame;
  frame.set(registers::fp, outer);
  frame.set(registers::sp, frame_at + 2 * sizeof outer);
  frame.set(registers::pc, arch::plain_address(back));
  std::vector<std::uint64_t> pcs(most_frames);
  const walk_result walked = walk(frame, window, own_code(), nullptr, pcs);
  pcs.resize(walked.count);
  return stack_text(names, pcs, walked.end, hidden_frames::both_ends);
}

std::string text_of(symboliser& names, const sched::thread_note& t, std::int64_t now_ns) {
  std::string text = "thread " + std::to_string(t.thread) + " [" + sched::describe(t.reason) + ", " + age_text(now_ns - t.since_ns) + "]: " + name_of(t.thread) + '\n';
  text += stack_of(names, t);
  return t.object ? text + "\twaits for " + object_text(t.reason, t.object) + '\n' : text;
}

}  // namespace

std::vector<sched::thread_note> parked_plain_threads() {
  std::vector<sched::thread_note> found(sched::listed_threads() + 64);
  found.resize(sched::note_parked_threads(found));
  std::erase_if(found, [](const sched::thread_note& t) { return t.reason == sched::wait_reason::run; });  // weft::run's caller
  return found;
}

pid_t thread_on_stack(std::uintptr_t address) {
  os::mapping where;
  if (!os::find_mapping(address, where)) return 0;
  for (const pid_t thread : os::all_threads())
    if (thread != os::thread_id() && where.has(stack_pointer_of(thread))) return thread;
  return 0;
}

std::string thread_text(pid_t thread) {
  const std::string name = name_of(thread);
  return "thread " + std::to_string(thread) + (name.empty() ? "" : " (" + name + ")");
}

std::string parked_thread_text(symboliser& names, pid_t thread, std::int64_t now_ns) {
  for (const sched::thread_note& t : parked_plain_threads())
    if (t.thread == thread) return text_of(names, t, now_ns);
  return {};
}

std::string parked_threads_text(symboliser& names, std::int64_t now_ns) {
  std::string text;
  for (const sched::thread_note& t : parked_plain_threads()) text += '\n' + text_of(names, t, now_ns);
  return text.empty() ? text : "\nThreads that wait in weft:\n" + text;
}

}  // namespace weft::debug
