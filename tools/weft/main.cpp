// `weft WORD …`: finds the subcommand and hands over.
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "command.h"
#include "words.h"
#ifdef WEFT_HAVE_LAB
#include "bench/bench.h"
#include "lab/lab.h"
#endif

namespace weft::tool {
namespace {

#ifndef WEFT_HAVE_LAB
int weft_lab_main(int, char**) {
  std::fputs("weft lab: this build has no experiments\n", stderr);
  return exit_failed;
}
int weft_bench_main(int argc, char** argv) { return weft_lab_main(argc, argv); }
#endif

constexpr command all_commands[] = {
    {"run", "FILE.cpp [args…]", "compile a program against weft and run it", run_main},
    {"lab", "[experiment…]", "measure what is said about threads and goroutines", weft_lab_main},
    {"bench", "[--filter row,…]", "measure every operation beside Go, in one run", weft_bench_main},
    {"test", "[ctest options…]", "build what is missing and run the test suite", test_main},
    {"doctor", "[--json]", "kernel features and limits that matter here, and what to raise", doctor_main},
    {"ps", "PID|CORE", "list the goroutines of a running process or of a core file", ps_main},
    {"stack", "PID|CORE [GOROUTINE…]", "show the stacks of its goroutines", stack_main},
    {"version", "", "print the version and what the tool was built with", version_main},
};

void print_help(std::FILE* to) {
  std::fputs("weft: goroutines, channels and select for C++23\n\nUsage: weft COMMAND [arguments…]\n\nCommands:\n", to);
  for (const command& c : all_commands) {
    const std::string words = std::string(c.name) + ' ' + std::string(c.usage);
    // "…" is one column and three bytes.
    std::size_t columns = 0;
    for (char byte : words) columns += (byte & 0xc0) != 0x80;
    std::fprintf(to, "  %s%*s%s\n", words.c_str(), static_cast<int>(26 - columns), "", std::string(c.summary).c_str());
  }
  std::fputs("\n`weft COMMAND --help` says more about one.\n", to);
}

int unknown_command(const std::string& word) {
  std::vector<std::string_view> known{"help"};
  for (const command& c : all_commands) known.push_back(c.name);
  const bool is_option = word.starts_with('-');
  if (is_option) known = {"--help", "--version"};
  std::fprintf(stderr, "weft: unknown %s '%s'%s\n", is_option ? "option" : "command", word.c_str(),
               did_you_mean(word, known).c_str());
  std::fputs("`weft --help` lists the commands.\n", stderr);
  return exit_usage;
}

int dispatch(int argc, char** argv) {
  if (argc < 2) {
    print_help(stderr);
    return exit_usage;
  }
  std::string word = argv[1];
  if (word == "--help" || word == "-h" || (word == "help" && argc == 2)) {
    print_help(stdout);
    return 0;
  }
  if (word == "--version") word = "version";
  std::string help_option = "--help";
  char* help_words[] = {argv[argc > 2 ? 2 : 1], help_option.data(), nullptr};
  if (word == "help") {
    word = argv[2];
    argc = 2;
    argv = help_words;
  } else {
    --argc;
    ++argv;
  }
  for (const command& c : all_commands) {
    if (c.name == word) return c.main(argc, argv);
  }
  return unknown_command(word);
}

}  // namespace
}  // namespace weft::tool

int main(int argc, char** argv) { return weft::tool::dispatch(argc, argv); }
