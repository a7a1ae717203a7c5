#include "debug/frames_text.h"

#include <cinttypes>
#include <cstdio>
#include <string_view>
#include <vector>

namespace weft::debug {
namespace {

std::string hex(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%" PRIx64, value);
  return text;
}

// What comes before the parameters, without the result: "weft::detail::run_newborn" of
// "void weft::detail::run_newborn<...>(weft::detail::newborn*)".
std::string_view bare_name(std::string_view function) {
  std::size_t end = 0;
  constexpr std::string_view unnamed = "(anonymous namespace)";
  while (end < function.size() && function[end] != '<' && function[end] != '{') {
    if (function[end] == '(') {
      if (!function.substr(end).starts_with(unnamed)) break;
      end += unnamed.size();
      continue;
    }
    ++end;
  }
  function = function.substr(0, end);
  for (std::size_t i = function.size(); i > 0; --i)
    if (function[i - 1] == ' ' && !function.substr(0, i).ends_with("(anonymous ")) return function.substr(i);
  return function;
}

bool starts_with_any(std::string_view name, std::initializer_list<std::string_view> prefixes) {
  for (const std::string_view prefix : prefixes)
    if (name.starts_with(prefix)) return true;
  return false;
}

// What C and C++ put below the first function of a program's own, and above one that throws.
bool is_plumbing(std::string_view name) {
  return starts_with_any(name, {"std::__invoke", "std::invoke", "std::apply", "std::__apply", "std::thread::_", "start_thread", "clone3",
                                "__clone", "__libc_start", "_start", "execute_native_thread", "weft_goroutine", "weft::run"});
}
bool is_nameless_of_libstdcxx(const source_frame& f) { return f.function.empty() && f.file.find("libstdc++") != std::string::npos; }
bool is_throwing(const source_frame& f) {
  const std::string_view name = bare_name(f.function);
  if (is_nameless_of_libstdcxx(f)) return true;
  return starts_with_any(name, {"std::terminate", "__cxxabiv1::", "__cxa_", "_Unwind_", "__gxx_personality", "std::__throw"});
}

void append(std::string& text, const source_frame& f, std::uint64_t pc) {
  text += f.function.empty() ? hex(pc) : f.function;
  text += "\n\t";
  if (f.file.empty()) {
    text += "?";
  } else if (f.line != 0) {
    text += f.file + ':' + std::to_string(f.line);
  } else {
    text += f.file;
  }
  if (f.is_inlined) text += " (inlined)";
  else if (f.offset != 0) text += " +" + hex(f.offset);
  text += '\n';
}

bool is_runtime_function(const std::string& name) {
  return starts_with_any(bare_name(name), {"weft::sched::", "weft::detail::", "weft::debug::", "weft::base::", "weft::os::", "weft::arch::",
                                           "weft::stack::", "weft::poll::", "weft::trace::", "weft::(anonymous namespace)::", "weft_goroutine"});
}

}  // namespace

shown_frames choose_shown(std::span<const source_frame* const> frames, walk_end end, hidden_frames hidden) {
  shown_frames chosen{0, frames.size()};
  auto& [first, last] = chosen;
  const auto is_below = [](const source_frame& f) {
    return is_runtime_function(f.function) || is_plumbing(bare_name(f.function)) || is_nameless_of_libstdcxx(f);
  };
  const auto is_above = [](const source_frame& f) { return is_runtime_function(f.function) || is_throwing(f); };
  if (hidden != hidden_frames::none && end == walk_end::bottom)
    while (last > 1 && is_below(*frames[last - 1])) --last;
  if (hidden == hidden_frames::both_ends)
    while (first + 1 < last && is_above(*frames[first])) ++first;
  return chosen;
}

std::string stack_text(symboliser& names, std::span<const std::uint64_t> pcs, walk_end end, hidden_frames hidden) {
  std::vector<const source_frame*> frames;
  std::vector<std::uint64_t> places;
  for (std::size_t i = 0; i < pcs.size(); ++i)
    for (const source_frame& f : names.frames(pcs[i], i != 0)) frames.push_back(&f), places.push_back(pcs[i]);
  const shown_frames chosen = choose_shown(frames, end, hidden);
  std::string text;
  for (std::size_t i = chosen.first; i < chosen.last; ++i) append(text, *frames[i], places[i]);
  if (end == walk_end::cut) text += "...additional frames elided...\n";
  return text;
}

std::string place_text(symboliser& names, const void* site) {
  const auto pc = reinterpret_cast<std::uint64_t>(site);
  // What is inlined there is ours, a template of the program's own header: the reader knows who calls it.
  const std::vector<source_frame>& frames = names.frames(pc, true);
  const source_frame* known = &frames.back();
  for (const source_frame& f : frames) {
    const std::string_view name = bare_name(f.function);
    if (name.starts_with("weft::") || name.starts_with("std::") || name.starts_with("__gthread") || name == "(unnamed)") continue;
    if (f.file.find("include/weft/") != f.file.npos) continue;  // terse debug information knows no namespaces
    known = &f;
    break;
  }
  std::string text;
  append(text, *known, pc);
  return text;
}

std::string creation_text(symboliser& names, const void* site, std::uint64_t creator) {
  if (!creator && is_runtime_function(names.frames(reinterpret_cast<std::uint64_t>(site), true).back().function)) return {};
  std::string text = place_text(names, site);
  if (creator) text.insert(text.find('\n'), " in goroutine " + std::to_string(creator));
  return "created by " + text;
}

}  // namespace weft::debug
