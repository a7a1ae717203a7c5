#include "contender.h"

#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "installation.h"
#include "subprocess.h"

namespace weft::bench {
namespace {

namespace fs = std::filesystem;

constexpr int status_no_such_row = 2;  // what row programs answer to a row they do not have

struct answer {
  int status;
  std::string text;
};

answer output_of(const std::string& shell_command) {
  answer got{127, {}};
  std::FILE* pipe = ::popen(shell_command.c_str(), "re");
  if (!pipe) return got;
  char chunk[512];
  while (const std::size_t n = std::fread(chunk, 1, sizeof chunk, pipe)) got.text.append(chunk, n);
  const int status = ::pclose(pipe);
  got.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  while (got.text.ends_with('\n')) got.text.pop_back();
  return got;
}

std::string last_line(const std::string& text) {
  const auto end = text.rfind('\n');
  return end == std::string::npos ? text : text.substr(end + 1);
}

// The line that says what is wrong: the first error, else the last line.
std::string error_line(const std::string& log) {
  const auto at = log.find("error:");
  if (at == std::string::npos) return last_line(log);
  const auto start = log.rfind('\n', at);
  return log.substr(start == std::string::npos ? 0 : start + 1, log.find('\n', at) - (start == std::string::npos ? 0 : start + 1));
}

contender built_by_cmake(const char* name, const char* target) {
  const tool::installation here = tool::find_installation();
  contender who{.name = name, .compiler = here.compiler, .program = {}, .missing = {}};
  if (!here.is_source_tree()) {
    who.missing = "this copy was installed; the row programs are in the source tree";
    return who;
  }
  const answer build = output_of(tool::shell_line({"cmake", "--build", here.build_dir.string(), "--target", target}) + " 2>&1");
  if (build.status == 0) who.program = (here.build_dir / "bench" / (std::string("weft-") + target)).string();
  else who.missing = error_line(build.text);
  who.compiler = last_line(output_of(tool::shell_line({here.compiler, "--version"}) + " | head -n 1").text);
  return who;
}

}  // namespace

contender weft_contender() { return built_by_cmake("weft", "bench-rows"); }
contender fiber_contender() {
  const tool::installation here = tool::find_installation();
  if (here.is_source_tree()) {  // the target is there once CMake has found the package
    const std::string packages = (here.source_dir / "scripts" / "packages").string();
    if (tool::run_program({packages, "peers"}) == 0)
      output_of(tool::shell_line({"cmake", "-S", here.source_dir.string(), "-B", here.build_dir.string()}) + " 2>&1");
  }
  return built_by_cmake("Boost.Fiber", "bench-fiber");
}
contender thread_contender() { return built_by_cmake("threads", "bench-threads"); }

contender go_contender() {
  contender who{.name = "Go", .compiler = {}, .program = {}, .missing = {}};
  const tool::installation here = tool::find_installation();
  if (!here.is_source_tree()) {
    who.missing = "this copy was installed; the Go programs are in the source tree";
    return who;
  }
  const fs::path bench = here.source_dir / "bench";
  const answer found = output_of(tool::shell_line({(bench / "get-go").string()}));
  if (found.status != 0) {
    who.missing = "no current Go toolchain (bench/get-go says why)";
    return who;
  }
  const std::string go = last_line(found.text), program = (here.build_dir / "bench" / "go-rows").string();
  who.compiler = output_of(tool::shell_line({go, "env", "GOVERSION"})).text;
  const answer build = output_of("cd " + tool::shell_line({(bench / "go").string()}) + " && GOTOOLCHAIN=local " +
                                 tool::shell_line({go, "build", "-o", program, "./rows"}) + " 2>&1");
  if (build.status == 0) who.program = program;
  else who.missing = "go build: " + error_line(build.text);
  return who;
}

figures measure(const contender& who, std::string_view program_row, int procs, int timeout_s, std::string& complaint) {
  const std::string command =
      tool::shell_line({"timeout", std::to_string(timeout_s), who.program, std::string(program_row), std::to_string(procs)});
  const answer got = output_of(command + " 2>/dev/null");
  if (got.status == status_no_such_row) return {};
  const auto line = nlohmann::json::parse(last_line(got.text), nullptr, false);
  if (got.status != 0 || !line.is_object()) {
    complaint = who.name + ", " + std::string(program_row) + ": " +
                (got.status == 124 ? "took longer than " + std::to_string(timeout_s) + " s"
                                   : "failed with status " + std::to_string(got.status)) +
                "; to see it: " + command;
    return {};
  }
  figures all;
  for (const auto& [name, value] : line.items()) all[name] = value.get<double>();
  return all;
}

}  // namespace weft::bench
