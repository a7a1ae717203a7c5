#include "base/settings.h"

#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "base/fatal.h"
#include "base/nearest.h"

namespace weft::base {
namespace {

struct number {
  int setting_values::*member;
  int lowest, highest;
};
struct bytes {
  std::size_t setting_values::*member;
  std::size_t lowest, highest;
};
struct text {
  std::string setting_values::*member;
  std::string_view accepted;
};
struct flag {
  bool setting_values::*member;
};
struct word {
  std::string_view setting_values::*member;
  std::span<const std::string_view> choices;
};

struct setting {
  std::string_view name;  // of the variable, or of the key in WEFT_DEBUG
  std::variant<number, bytes, flag, word, text> type;
  std::string_view special_default;  // says in words what the default value means, where the value does not
  std::string_view help;
};

constexpr std::size_t KiB = 1024, GiB = 1024 * 1024 * 1024;
constexpr std::string_view pollers[] = {"epoll", "uring"};
constexpr std::string_view file_ways[] = {"uring", "blocking"};
constexpr std::string_view guards[] = {"madvise", "mprotect", "canary"};
constexpr std::string_view debug_variable = "WEFT_DEBUG";

constexpr setting variables[] = {
    {"WEFT_PROCS", number{&setting_values::procs, 1, 1024}, "CPUs usable by the process",
     "How many goroutines run at the same time. "
     "CPUs usable: the affinity mask and the CPU quotas of the process's cgroups both counted."},
    {"WEFT_STACK_SIZE", bytes{&setting_values::stack_size, 16 * KiB, GiB}, "",
     "Address space reserved for a goroutine's stack; memory is committed as the stack grows."},
    {"WEFT_MAX_THREADS", number{&setting_values::max_threads, 8, 1'000'000}, "",
     "Upper bound on the threads of the runtime. A program that needs more has too many blocking calls at once."},
    {"WEFT_SEED", text{&setting_values::seed, "what `testing::explore` printed"}, "",
     "Makes every `testing::explore` of the process run this one schedule."},
    {"WEFT_SEED_TRACE", text{&setting_values::seed_trace, "a path"}, "",
     "The file to which `testing::explore` writes the decisions of the last schedule it ran."},
};
constexpr setting debug_keys[] = {
    {"migrate", flag{&setting_values::debug_migrate}, "",
     "Move a goroutine to another worker thread each time it parks: finds code that keeps a thread's data across "
     "a blocking call."},
    {"poller", word{&setting_values::debug_poller, pollers}, "epoll",
     "What tells of sockets and pipes that become ready. Where io_uring is refused, or not built in, uring means epoll."},
    {"files", word{&setting_values::debug_files, file_ways}, "whichever is better",
     "How goroutines read and write files: through io_uring, or by calls that block the thread. Where io_uring is refused, or "
     "not built in, uring means blocking."},
    {"guard", word{&setting_values::debug_guard, guards}, "the best that works",
     "How the end of a stack is guarded: by guard markers, by protected pages, or only by an "
     "area that must stay zero, checked when the goroutine parks."},
    {"deadlock", flag{&setting_values::debug_deadlock}, "",
     "Look every second for goroutines that wait for each other's mutexes in a circle, and report each circle once."},
    {"heldlocks", flag{&setting_values::debug_heldlocks}, "",
     "Report, once for each place, goroutines that park while they hold a lock of the C library (std::mutex, "
     "pthread_mutex_t, ...). Needs weft::hook."},
    {"leaks", flag{&setting_values::debug_leaks}, "",
     "When the process exits, report goroutines that could never have run again, and those that look so."},
    {"symbols", flag{&setting_values::debug_symbols}, "",
     "Dumps name functions, files and lines, by libdw where it is installed; 0: addresses only."},
    {"schedtrace", number{&setting_values::debug_schedtrace, 1, 3'600'000}, "off",
     "Write a line about processors, threads and queues to stderr each time so many milliseconds have passed."},
    {"scheddetail", flag{&setting_values::debug_scheddetail}, "",
     "With schedtrace: also a line for each processor, worker and goroutine, as many as are reasonable."},
    {"inspect", flag{&setting_values::debug_inspect}, "",
     "Let every process of the same user look inside, for `weft ps` and gdb, where the system only lets a parent "
     "(kernel.yama.ptrace_scope is 1)."},
};

template <class... Fs>
struct overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
overloaded(Fs...) -> overloaded<Fs...>;

std::string text_of(std::size_t byte_count) {
  if (byte_count % GiB == 0) return std::to_string(byte_count / GiB) + "g";
  if (byte_count % (KiB * KiB) == 0) return std::to_string(byte_count / (KiB * KiB)) + "m";
  if (byte_count % KiB == 0) return std::to_string(byte_count / KiB) + "k";
  return std::to_string(byte_count);
}

std::string text_of(std::span<const std::string_view> choices) {
  std::string list;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) list += i + 1 == choices.size() ? " or " : ", ";
    list += choices[i];
  }
  return list;
}

std::string accepted(const setting& s) {
  return std::visit(
      overloaded{[](const number& t) {
                   return "a whole number from " + std::to_string(t.lowest) + " to " + std::to_string(t.highest);
                 },
                 [](const bytes& t) {
                   return "a size from " + text_of(t.lowest) + " to " + text_of(t.highest) +
                          ", in bytes or with k, m or g";
                 },
                 [](const flag&) { return std::string{"0 or 1"}; }, [](const word& t) { return text_of(t.choices); },
                 [](const text& t) { return std::string{t.accepted}; }},
      s.type);
}

std::string default_of(const setting& s) {
  if (!s.special_default.empty()) return std::string{s.special_default};
  const setting_values values;
  return std::visit(overloaded{[&](const number& t) { return std::to_string(values.*t.member); },
                               [&](const bytes& t) { return text_of(values.*t.member); },
                               [&](const flag& t) { return std::string{values.*t.member ? "1" : "0"}; },
                               [&](const word& t) { return std::string{values.*t.member}; },
                               [&](const text& t) { return values.*t.member; }},
                    s.type);
}

// The whole text is one decimal number, or it is nothing.
std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::string_view suffixes = "kmg";
  unsigned shift = 0;
  if (!text.empty()) {
    const auto at = suffixes.find(static_cast<char>(text.back() | 0x20));  // to lower case
    if (at != suffixes.npos) {
      shift = 10 * (static_cast<unsigned>(at) + 1);
      text.remove_suffix(1);
    }
  }
  const auto count = parse_number(text);
  if (!count || *count > UINT64_MAX >> shift) return std::nullopt;
  return *count << shift;
}

bool assign(setting_values& values, const setting& s, std::string_view given) {
  return std::visit(
      overloaded{[&](const number& t) {
                   const auto n = parse_number(given);
                   if (!n || *n < static_cast<std::uint64_t>(t.lowest) || *n > static_cast<std::uint64_t>(t.highest))
                     return false;
                   values.*t.member = static_cast<int>(*n);
                   return true;
                 },
                 [&](const bytes& t) {
                   const auto n = parse_size(given);
                   if (!n || *n < t.lowest || *n > t.highest) return false;
                   values.*t.member = static_cast<std::size_t>(*n);
                   return true;
                 },
                 [&](const flag& t) {
                   if (given != "0" && given != "1") return false;
                   values.*t.member = given == "1";
                   return true;
                 },
                 [&](const word& t) {
                   for (std::string_view choice : t.choices)
                     if (choice == given) return values.*t.member = choice, true;
                   return false;
                 },
                 [&](const text& t) { return values.*t.member = given, true; }},
      s.type);
}

std::vector<std::string_view> names_of(std::span<const setting> table) {
  std::vector<std::string_view> names;
  for (const setting& s : table) names.push_back(s.name);
  return names;
}

std::string did_you_mean(std::string_view unknown, std::span<const std::string_view> known) {
  const std::string_view guess = nearest(unknown, known);
  return guess.empty() ? "" : ", did you mean " + std::string{guess} + "?";
}

// One "key=value" of WEFT_DEBUG; a key alone means 1. Returns the complaint, if any.
std::string parse_debug_entry(setting_values& values, std::string_view entry) {
  const std::size_t equals = entry.find('=');
  const std::string_view key = entry.substr(0, equals);
  const std::string_view value = equals == entry.npos ? "1" : entry.substr(equals + 1);
  for (const setting& s : debug_keys) {
    if (s.name != key) continue;
    if (assign(values, s, value)) return {};
    return std::string{debug_variable} + ": " + std::string{key} + " must be " + accepted(s) + ", not \"" +
           std::string{value} + '"';
  }
  const auto known = names_of(debug_keys);
  return std::string{debug_variable}.append(": unknown key \"").append(key).append("\"") + did_you_mean(key, known) +
         " (known: " + text_of(known) + ")";
}

setting_values read_environment() {
  parsed_settings parsed = parse_settings([](const char* name) -> const char* { return std::getenv(name); });
  for (char** entry = environ; parsed.error.empty() && entry != nullptr && *entry != nullptr; ++entry)
    parsed.error = misspelt_setting(*entry);
  if (!parsed.error.empty()) {
    print_error("weft: %s\n", parsed.error.c_str());
    std::_Exit(2);  // not exit(): any thread may be the first to ask, in the middle of anything
  }
  return parsed.values;
}

}  // namespace

const setting_values& settings() {
  static const setting_values values = read_environment();
  return values;
}

parsed_settings parse_settings(const std::function<const char*(const char*)>& variable) {
  parsed_settings result;
  const auto text_of_variable = [&](std::string_view name) -> std::string_view {
    const char* text = variable(name.data());
    return text != nullptr ? text : "";
  };
  for (const setting& s : variables) {
    const std::string_view text = text_of_variable(s.name);
    if (text.empty() || assign(result.values, s, text)) continue;
    result.error = std::string{s.name} + " must be " + accepted(s) + ", not \"" + std::string{text} + '"';
    return result;
  }
  std::string_view entries = text_of_variable(debug_variable);
  while (!entries.empty() && result.error.empty()) {
    const std::size_t comma = entries.find(',');
    const std::string_view entry = entries.substr(0, comma);
    if (!entry.empty()) result.error = parse_debug_entry(result.values, entry);
    entries.remove_prefix(comma == entries.npos ? entries.size() : comma + 1);
  }
  return result;
}

std::string misspelt_setting(std::string_view entry) {
  const std::string_view name = entry.substr(0, entry.find('='));
  if (!name.starts_with("WEFT_")) return {};
  auto known = names_of(variables);
  known.push_back(debug_variable);
  std::vector<std::string_view> tails;  // compared without the prefix, which all share
  for (std::string_view& k : known) {
    if (k == name) return {};
    tails.push_back(k.substr(5));
  }
  const std::string_view guess = nearest(name.substr(5), tails);
  return guess.empty() ? ""
                       : "unknown setting " + std::string{name} + ", did you mean WEFT_" + std::string{guess} + "?";
}

std::string settings_page() {
  std::string page =
      "# Settings\n\n"
      "<!-- Generated from the table in src/base/settings.cpp; the test settings.page_is_up_to_date writes it. -->\n\n"
      "Environment variables, read once when the runtime starts. A value that is not accepted, or a name that looks "
      "like\n"
      "a misspelt one of these, ends the program with status 2 and a line that says what is accepted.\n\n";
  const auto rows = [&](std::span<const setting> table) {
    page += "|---|---|---|---|\n";
    for (const setting& s : table)
      page += "| `" + std::string{s.name} + "` | " + accepted(s) + " | " + default_of(s) + " | " + std::string{s.help} +
              " |\n";
  };
  page += "| variable | accepts | default | meaning |\n";
  rows(variables);
  page +=
      "| `WEFT_DEBUG` | `key=value,key=value`; `key` alone means `key=1` | | Switches for finding faults, below. |\n\n"
      "## Keys of WEFT_DEBUG\n\n| key | accepts | default | meaning |\n";
  rows(debug_keys);
  return page;
}

}  // namespace weft::base
