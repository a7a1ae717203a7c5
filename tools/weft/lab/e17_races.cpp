// E17: a thousand goroutines increment a number, without and with care, under `weft run --race`.
//
// The programs are compiled and run by the very tool this is, so what is measured is what a user gets.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "experiments.h"
#include "installation.h"
#include "judge.h"
#include "sanitized.h"
#include "sheet.h"
#include "subprocess.h"

namespace weft::lab {
namespace {

namespace fs = std::filesystem;

std::string counting_program(const std::string& number) {
  return "#include <weft/weft.h>\n"
         "#include <atomic>\n"
         "#include <cstdio>\n"
         "#include <cstdlib>\n"
         "int main(int, char** argv) {\n"
         "  " + number + " hits{0};\n"
         "  weft::wait_group wg;\n"
         "  for (int i = std::atoi(argv[1]); i > 0; --i) wg.go([&] { ++hits; });\n"
         "  wg.wait();\n"
         "  std::printf(\"%d\\n\", static_cast<int>(hits));\n"
         "}\n";
}

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

int occurrences(const std::string& text, const std::string& words) {
  int count = 0;
  for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + words.size())) ++count;
  return count;
}

struct workspace {
  workspace() {
    std::string name = (fs::temp_directory_path() / "weft-lab-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) folder = name;
  }
  ~workspace() {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
  fs::path folder;
};

void count(sheet& s, const std::string& number) {
  if (!tool::is_built(tool::find_installation(), tool::sanitizer::race))
    return s.refused("the library for the race detector is not built yet; `weft run --race FILE.cpp` builds it");
  const workspace here;
  const fs::path source = here.folder / "count.cpp", out = here.folder / "out", err = here.folder / "err";
  std::ofstream(source) << counting_program(number);
  const long tasks = s.argument("tasks");
  const int out_fd = ::open(out.c_str(), O_CREAT | O_WRONLY, 0600);
  const int err_fd = ::open(err.c_str(), O_CREAT | O_WRONLY, 0600);
  std::error_code ignored;
  const std::string this_tool = fs::read_symlink("/proc/self/exe", ignored).string();
  const int status = tool::run_program({this_tool, "run", "--race", source.string(), std::to_string(tasks)},
                                       {.stdout_fd = out_fd, .stderr_fd = err_fd});
  ::close(out_fd);
  ::close(err_fd);
  s.set("reports", occurrences(content(err), "WARNING: ThreadSanitizer: data race"));
  s.set("exit_status", status);
  s.set("lost", static_cast<double>(tasks) - std::atof(content(out).c_str()));
}

void plain_number(sheet& s) { count(s, "int"); }
void atomic_number(sheet& s) { count(s, "std::atomic<int>"); }

std::vector<job> plan(const arguments&) { return {{kind::plain, "plain int"}, {kind::plain, "atomic"}}; }

void verdict(judge& j) {
  j.at_least("the race is reported", j.figure({kind::plain, "plain int"}, "reports"), 1, "reports");
  j.at_most("the fix is clean", j.figure({kind::plain, "atomic"}, "reports"), 0, "reports");
  j.at_most("the fix ends well", j.figure({kind::plain, "atomic"}, "exit_status"), 0, "status");
}

}  // namespace

experiment e17_races() {
  return {.id = "e17",
          .name = "races",
          .title = "Data races",
          .what = "A thousand goroutines increment a plain int, and an atomic one, under `weft run --race`.",
          .claim = "The race is reported, the fix is clean.",
          .parameters = {{"tasks", "goroutines that increment once", 1'000, 1'000}},
          .bodies = {{kind::plain, "plain int", &plain_number}, {kind::plain, "atomic", &atomic_number}},
          .plan = &plan,
          .columns = {{"reports", "reports"}, {"exit_status", "exit status"}, {"lost", "lost"}},
          .charts = {},
          .verdict = &verdict};
}

}  // namespace weft::lab
