// Telling a failure: each step with its line in the sources. And finding the line that a mutant names.
#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "engine/engine.h"

namespace model {

namespace {

const std::vector<std::string>& lines_of(const std::string& path) {
  static std::map<std::string, std::vector<std::string>> files;
  auto [entry, is_new] = files.try_emplace(path);
  if (is_new) {
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) entry->second.push_back(line);
  }
  return entry->second;
}

std::string code_at(site where) {
  const auto& lines = lines_of(where.file);
  if (where.line < 1 || static_cast<std::size_t>(where.line) > lines.size()) return "";
  std::string code = lines[static_cast<std::size_t>(where.line) - 1];
  if (const auto comment = code.find("  //"); comment != std::string::npos) code.resize(comment);
  const auto first = code.find_first_not_of(' ');
  return first == std::string::npos ? "" : code.substr(first);
}

// "src/sched/idle.cpp" and "<build>/sched/idle.cpp" are both "sched/idle.cpp".
std::string short_name(const char* path) {
  const std::string text = path;
  const auto last = text.rfind('/');
  if (last == std::string::npos) return text;
  const auto before = text.rfind('/', last - 1);
  return text.substr(before == std::string::npos ? 0 : before + 1);
}

bool ends_with_file(const char* path, const char* file) {
  const std::string_view whole = path, tail = file;
  return whole == tail || (whole.ends_with(tail) && whole[whole.size() - tail.size() - 1] == '/');
}

const char* name_of(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed: return "relaxed";
    case std::memory_order_acquire: return "acquire";
    case std::memory_order_release: return "release";
    case std::memory_order_acq_rel: return "acq_rel";
    default: return "seq_cst";
  }
}

const char* name_of(action what) {
  switch (what) {
    case action::load: return "load";
    case action::store: return "store";
    case action::rmw: return "modify";
    case action::fence: return "fence";
    case action::wait: return "futex_wait";
    case action::wake: return "futex_wake";
    case action::heavy: return "heavy_fence";
    case action::end: return "ends";
    default: return "";
  }
}

std::string told(std::size_t number, const recorded& r) {
  char head[160];
  std::snprintf(head, sizeof head, "%5zu  %-12s", number, e.fibres[static_cast<std::size_t>(r.thread)].name);
  std::ostringstream out;
  out << head << ' ' << name_of(r.what);
  if (r.what == action::load || r.what == action::store || r.what == action::rmw || r.what == action::fence)
    out << ' ' << name_of(r.order);
  if (r.place != 0) out << " w" << r.place << (r.what == action::store ? " := " : " = ") << r.value;
  if (r.read_from == 0) out << " (initial)";
  if (r.read_from > 0) out << " (of step " << r.read_from << ')';
  if (*r.note) out << ' ' << r.note;
  std::string line = out.str();
  if (r.where.line != 0) {
    line.resize(std::max<std::size_t>(line.size() + 2, 72), ' ');
    line += short_name(r.where.file) + ':' + std::to_string(r.where.line) + "  " + code_at(r.where);
  }
  return line + '\n';
}

}  // namespace

void record(action what, site where, std::memory_order order, std::uint32_t place, std::uint64_t value, int read_from,
            const char* note) {
  if (e.history.size() > static_cast<std::size_t>(e.limits.steps)) fail("livelock: the execution goes on and on");
  e.history.push_back({e.self, what, where, order, place, value, read_from, note});
}

// The choices as text: runs of equal ones as "n*value".
std::string path_text() {
  std::ostringstream out;
  for (std::size_t i = 0; i < e.depth;) {
    std::size_t same = i;
    while (same < e.depth && e.path[same].taken == e.path[i].taken) ++same;
    if (i != 0) out << '.';
    if (same - i > 1) out << same - i << 'x';
    out << e.path[i].taken;
    i = same;
  }
  return out.str();
}

std::vector<choice> path_from(const std::string& text) {
  std::vector<choice> path;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, '.');) {
    const auto times = part.find('x');
    const int count = times == std::string::npos ? 1 : std::stoi(part.substr(0, times));
    const int taken = std::stoi(times == std::string::npos ? part : part.substr(times + 1));
    for (int i = 0; i < count; ++i) path.push_back({static_cast<std::uint16_t>(taken), 0});
  }
  return path;
}

std::string report() {
  constexpr std::size_t most = 400;
  std::ostringstream out;
  out << "\nwhat went wrong: " << (e.has_failed ? e.failure : "nothing");
  out << "\nthe execution, step by step (wN is a word):\n";
  const std::size_t first = e.history.size() > most ? e.history.size() - most : 1;
  if (first > 1) out << "  ... " << first - 1 << " steps before\n";
  for (std::size_t i = first; i < e.history.size(); ++i) out << told(i, e.history[i]);
  out << "again: WEFT_MODEL_REPLAY=" << path_text() << '\n';
  return out.str();
}

// The source as it was compiled: the mutant names a file of src/ or include/.
int line_of(const mutation& m) {
  int line = 0, hits = 0;
  for (const char* top : {WEFT_SOURCE_DIR "/src/", WEFT_SOURCE_DIR "/include/", WEFT_SOURCE_DIR "/tests/model/"}) {
    const auto& lines = lines_of(std::string(top) + m.file);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (lines[i].find(m.code) == std::string::npos) continue;
      ++hits;
      line = static_cast<int>(i) + 1;
    }
  }
  if (hits == 1) return line;
  std::fprintf(stderr, "mutant: %d lines of %s contain \"%s\"; one must\n", hits, m.file, m.code);
  std::abort();
}

bool is_mistake(site where) noexcept {
  if (!e.mistake || where.line != e.mistake_line || !ends_with_file(where.file, e.mistake->file)) return false;
  ++e.mistake_hits;
  return true;
}

}  // namespace model
