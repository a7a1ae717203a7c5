#include "sanitized.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "subprocess.h"

namespace weft::tool {
namespace fs = std::filesystem;
namespace {

using words = std::vector<std::string>;

struct kind {
  const char* name;         // of the option
  const char* cmake_value;  // of WEFT_SANITIZE
  const char* full_name;
  words flags;
};

kind kind_of(sanitizer wanted) {
  if (wanted == sanitizer::race) return {"race", "thread", "ThreadSanitizer", {"-fsanitize=thread"}};
  return {"asan", "address", "AddressSanitizer", {"-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"}};
}

std::string found_in_path(const std::string& program) {
  const char* search = std::getenv("PATH");
  std::istringstream folders(search != nullptr ? search : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const fs::path candidate = fs::path(folder) / program;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate.string();
  }
  return {};
}

// A file that is gone at the end of the scope.
struct temporary_file {
  explicit temporary_file(const char* suffix) : path((fs::temp_directory_path() / "weft-XXXXXX").string() + suffix) {
    fd = ::mkstemps(path.data(), static_cast<int>(std::string(suffix).size()));
  }
  ~temporary_file() {
    if (fd >= 0) ::close(fd);
    ::unlink(path.c_str());
  }
  std::string path;
  int fd;
};

bool links(const std::string& compiler, const words& flags) {
  const temporary_file source(".cpp"), program(""), messages("");
  std::ofstream(source.path) << "int main() {}\n";
  words line{compiler};
  line.insert(line.end(), flags.begin(), flags.end());
  line.insert(line.end(), {source.path, "-o", program.path});
  return run_program(line, {.stdout_fd = messages.fd, .stderr_fd = messages.fd}) == 0;
}

// CXX decides where it is set. Otherwise Clang before GCC 12: its detector holds hundreds of thousands of goroutines, that
// one's 8,128.
std::string choose_compiler(const installation& weft, const kind& which) {
  if (const char* asked = std::getenv("CXX"); asked != nullptr && *asked != '\0') {
    const std::string compiler = asked;
    return compiler.find(' ') == std::string::npos && links(compiler, which.flags) ? compiler : std::string();
  }
  for (const std::string& candidate : words{"clang++-19", "clang++-20", "clang++-18", weft.compiler}) {
    const bool is_there = candidate.find('/') != std::string::npos || !found_in_path(candidate).empty();
    if (is_there && links(candidate, which.flags)) return candidate;
  }
  return {};
}

// One builder at a time.
struct build_lock {
  explicit build_lock(const fs::path& folder) {
    fs::create_directories(folder);
    fd_ = ::open((folder / ".lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644);
    if (fd_ >= 0) ::flock(fd_, LOCK_EX);
  }
  ~build_lock() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd_;
};

bool run_quietly(const words& line, bool shows_commands) {
  if (shows_commands) std::fprintf(stderr, "%s\n", shell_line(line).c_str());
  const temporary_file output("");
  if (run_program(line, {.stdout_fd = output.fd, .stderr_fd = output.fd}) == 0) return true;
  std::ifstream file(output.path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::fprintf(stderr, "%sweft run: this failed: %s\n", text.c_str(), shell_line(line).c_str());
  return false;
}

bool build(const installation& weft, const fs::path& folder, const std::string& compiler, const kind& which,
           bool shows_commands) {
  const build_lock only_one(folder);
  if (!fs::exists(folder / "build.ninja")) {
    std::fprintf(stderr, "weft: building the library for %s, once (a minute or two)\n", which.full_name);
    const words configure{"cmake", "-G", "Ninja", "-S", weft.source_dir.string(), "-B", folder.string(),
                          "-DCMAKE_CXX_COMPILER=" + compiler, "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
                          "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -g -DNDEBUG",
                          std::string("-DWEFT_SANITIZE=") + which.cmake_value,
                          "-DWEFT_BUILD_TESTS=OFF", "-DWEFT_BUILD_EXAMPLES=OFF", "-DWEFT_BUILD_TOOLS=OFF"};
    if (!run_quietly(configure, shows_commands)) return false;
  }
  return run_quietly({"cmake", "--build", folder.string(), "--target", "weft"}, shows_commands);
}

}  // namespace

std::optional<sanitized> sanitized_installation(const installation& plain, sanitizer wanted, bool shows_commands) {
  const kind which = kind_of(wanted);
  if (!plain.is_source_tree()) {
    std::fprintf(stderr,
                 "weft run: --%s builds the library for %s from its source tree: use the weft command of a checkout, or "
                 "configure weft with -DWEFT_SANITIZE=%s and link your program with that\n",
                 which.name, which.full_name, which.cmake_value);
    return std::nullopt;
  }
  const std::string compiler = choose_compiler(plain, which);
  if (compiler.empty()) {
    const char* asked = std::getenv("CXX");
    std::fprintf(stderr,
                 "weft run: %s cannot link a program with %s: its runtime is missing. On Debian: scripts/packages "
                 "sanitizers (clang-19 and libclang-rt-19-dev)\n", asked != nullptr ? asked : "no compiler here", which.full_name);
    return std::nullopt;
  }
  std::string name = std::string("run-") + which.name;
  if (compiler != "clang++-19") name += '-' + fs::path(compiler).filename().string();  // a build of its own for each
  const fs::path folder = plain.build_dir.parent_path() / name;
  if (!build(plain, folder, compiler, which, shows_commands)) return std::nullopt;

  sanitized result{plain, which.flags};
  result.weft.compiler = compiler;
  result.weft.build_dir = folder;
  result.weft.archive = folder / "libweft.a";
  result.weft.include_dirs = {plain.source_dir / "include", folder / "include"};
  return result;
}

bool is_built(const installation& plain, sanitizer wanted) {
  if (!plain.is_source_tree()) return false;
  return fs::exists(plain.build_dir.parent_path() / (std::string("run-") + kind_of(wanted).name) / "libweft.a");
}

void set_sanitizer_options(sanitizer wanted) {
  const auto add = [](const char* variable, const std::string& options) {
    const char* given = std::getenv(variable);
    const std::string all = given != nullptr ? options + ':' + given : options;  // the last word counts
    ::setenv(variable, all.c_str(), 1);
  };
  std::string symbolizer;  // Debian's compiler looks for one that only the package llvm-19 has
  for (const char* name : {"llvm-symbolizer-19", "llvm-symbolizer", "addr2line"})
    if (symbolizer.empty()) symbolizer = found_in_path(name);
  const std::string options = symbolizer.empty() ? "" : "external_symbolizer_path=" + symbolizer;
  if (wanted == sanitizer::race) return add("TSAN_OPTIONS", options);
  add("ASAN_OPTIONS", "detect_stack_use_after_return=1:" + options);
  add("UBSAN_OPTIONS", "print_stacktrace=1:" + options);
}

}  // namespace weft::tool
