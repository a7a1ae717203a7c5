// What the user may set from outside: environment variables, read once, at first use.
//
//     WEFT_PROCS=4 WEFT_STACK_SIZE=1m WEFT_DEBUG=migrate=1,guard=mprotect ./program
//
// One table in settings.cpp holds each setting's name, type, range, default and line of help; parsing, error messages
// and docs/settings.md all come from it. To add a setting: one member here, one line there, and regenerate the page
// (the test settings.page_is_up_to_date says how).
//
// A setting that is misspelt or out of range ends the process with status 2 and one line on stderr: whoever sets
// WEFT_PROCS=1O wants to hear of it, not to measure the default. An empty value counts as not set.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace weft::base {

struct setting_values {
  int procs = 0;                        // 0: as many as CPUs are usable
  std::size_t stack_size = 224 * 1024;  // bytes
  int max_threads = 10'000;
  bool debug_migrate = false;
  bool debug_symbols = true;
  bool debug_inspect = false;
  int debug_schedtrace = 0;        // milliseconds; 0: off
  bool debug_scheddetail = false;
  bool debug_deadlock = false;
  bool debug_leaks = false;
  bool debug_heldlocks = false;
  std::string seed;        // testing::explore: replay this schedule alone
  std::string seed_trace;  // ... and the file that gets its decisions
  std::string_view debug_poller;  // epoll or uring; empty: epoll. Static storage
  std::string_view debug_files;   // uring or blocking; empty: both. Static storage
  std::string_view debug_guard;  // madvise, mprotect or canary; empty: the best that works. Static storage
};

// The settings of this process. Any thread, any time after the C library is up; the first call reads the environment.
const setting_values& settings();

struct parsed_settings {
  setting_values values;
  std::string error;  // empty: all is well; else one line for the user, without a line end
};

// settings() without the process: `variable` is getenv.
parsed_settings parse_settings(const std::function<const char*(const char* name)>& variable);

// A complaint about an environment entry ("NAME=value") that looks like a misspelt setting of weft; empty when it does
// not. Other WEFT_ variables are none of our business: programs built on weft have their own.
std::string misspelt_setting(std::string_view entry);

// The table as the text of docs/settings.md.
std::string settings_page();

}  // namespace weft::base
