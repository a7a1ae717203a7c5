// `weft run FILE.cpp [args…]`: compile against weft, then become the program.
//
// The program is looked up by what it is made of: compiler, flags, the library's archive and the preprocessed source,
// which holds every header. Preprocessing costs a tenth of a second and compiling a few, so a second run starts at once
// and no stale program can be run. On a hit or after compiling, the tool *becomes* the program (exec): exit status,
// death by signal, Ctrl-C and standard files are the program's own because there is no process in between.
//
// Refused: a table of header timestamps (faster by the preprocessing, but a header that appears earlier on the include
// path goes unseen); a parent that waits and passes signals on (what exec gives for nothing).
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>

#include "command.h"
#include "content_hash.h"
#include "installation.h"
#include "run_cache.h"
#include "sanitized.h"
#include "subprocess.h"
#include "words.h"

namespace weft::tool {
namespace fs = std::filesystem;
namespace {

using words = std::vector<std::string>;
using file_ptr = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

words split_environment(const char* name) {
  const char* value = std::getenv(name);
  std::istringstream in(value != nullptr ? value : "");
  return {std::istream_iterator<std::string>(in), {}};
}

void append(words& to, const words& more) { to.insert(to.end(), more.begin(), more.end()); }

struct compilation {
  words preprocess;  // writes the preprocessed source on stdout
  words compile;     // the output's path is appended
};

compilation plan(const installation& weft, const words& sanitizer_flags, const std::string& source) {
  words common = split_environment("CXX");  // may carry words of its own: "ccache g++"
  if (common.empty()) common = {weft.compiler};
  append(common, {"-std=c++2b", sanitizer_flags.empty() ? "-O2" : "-O1", "-g", "-fno-omit-frame-pointer", "-pthread"});
  append(common, sanitizer_flags);
  for (const fs::path& dir : weft.include_dirs) append(common, {"-I", dir.string()});
  append(common, split_environment("CXXFLAGS"));
  append(common, {"-x", "c++", source});

  compilation steps{common, common};
  steps.preprocess.push_back("-E");
  append(steps.compile, {"-x", "none", weft.archive.string()});
  if (weft.needs_liburing) append(steps.compile, {"-luring"});
  append(steps.compile, split_environment("LDFLAGS"));
  steps.compile.push_back("-o");
  return steps;
}

std::string rest_of(std::FILE* file) {
  std::string all;
  std::rewind(file);
  char block[1 << 16];
  while (const std::size_t n = std::fread(block, 1, sizeof block, file)) all.append(block, n);
  return all;
}

// The preprocessed source, or nothing after showing the compiler's errors. Its warnings are left for the compile.
std::optional<std::string> preprocessed(const words& command) {
  const file_ptr text(std::tmpfile(), std::fclose);
  const file_ptr errors(std::tmpfile(), std::fclose);
  if (!text || !errors) {
    std::fprintf(stderr, "weft run: cannot create a temporary file: %s\n", std::strerror(errno));
    return std::nullopt;
  }
  if (run_program(command, {fileno(text.get()), fileno(errors.get())}) != 0) {
    std::fputs(rest_of(errors.get()).c_str(), stderr);
    return std::nullopt;
  }
  return rest_of(text.get());
}

std::string file_content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The compiler's identity: an upgrade replaces its file.
std::string identity_of(const std::string& compiler) {
  const char* search = std::getenv("PATH");
  const bool is_searched = search != nullptr && compiler.find('/') == std::string::npos;
  std::istringstream folders(is_searched ? search : "");
  fs::path found = compiler;
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (::access((fs::path(folder) / compiler).c_str(), X_OK) == 0) {
      found = fs::path(folder) / compiler;
      break;
    }
  }
  struct stat file {};
  if (::stat(found.c_str(), &file) != 0) return compiler;
  return found.string() + ' ' + std::to_string(file.st_size) + ' ' + std::to_string(file.st_mtim.tv_sec);
}

std::string key_of(const compilation& steps, const installation& weft, const std::string& preprocessed_source) {
  content_hash hash;
  hash.add("1");  // how keys and programs are made
  hash.add(identity_of(steps.compile.front()));
  for (const std::string& word : steps.compile) hash.add(word);
  hash.add(file_content(weft.archive));
  hash.add(preprocessed_source);
  return hash.hex();
}

// Compiles into the cache. False after the compiler said why not.
bool compile(const words& command, const run_cache& cache, const std::string& key, const std::string& name,
             bool shows_commands) {
  const fs::path workspace = cache.new_workspace();
  words line = command;
  line.push_back((workspace / name).string());
  if (shows_commands) std::fprintf(stderr, "%s\n", shell_line(line).c_str());
  if (run_program(line) != 0) {
    std::error_code ignored;
    fs::remove_all(workspace, ignored);
    return false;
  }
  cache.insert(workspace, key);
  return true;
}

struct wishes {
  bool shows_commands = false;
  sanitizer checked_by = sanitizer::none;
};

int compile_and_become(const std::string& source, const words& arguments, const wishes& wanted) {
  const bool shows_commands = wanted.shows_commands;
  sanitized built{find_installation(), {}};
  if (wanted.checked_by != sanitizer::none) {
    auto checked = sanitized_installation(built.weft, wanted.checked_by, shows_commands);
    if (!checked) return exit_failed;
    built = std::move(*checked);
    set_sanitizer_options(wanted.checked_by);
  }
  const installation& weft = built.weft;
  const compilation steps = plan(weft, built.flags, source);
  const auto text = preprocessed(steps.preprocess);
  if (!text) return exit_failed;

  const run_cache cache(run_cache::default_folder());
  const std::string name = fs::path(source).stem();
  const std::string key = key_of(steps, weft, *text);
  // A second round only when another process trimmed the program away between its lookup and its start.
  for (int round = 0; round < 2; ++round) {
    auto program = cache.find(key, name);
    if (!program) {
      if (!compile(steps.compile, cache, key, name, shows_commands)) return exit_failed;
      program = cache.find(key, name);
    }
    if (!program) continue;
    words line{program->string()};
    append(line, arguments);
    if (shows_commands) std::fprintf(stderr, "%s\n", shell_line(line).c_str());
    errno = become(program->string(), line);
    if (errno != ENOENT) break;
  }
  std::fprintf(stderr, "weft run: cannot start the program: %s\n", std::strerror(errno));
  return exit_failed;
}

}  // namespace

int run_main(int argc, char** argv) {
  wishes wanted;
  bool finds_races = false, finds_bad_addresses = false;
  CLI::App app("Compiles FILE.cpp against weft and runs it with the arguments that follow.", "weft run");
  app.add_flag("-x,--show", wanted.shows_commands, "show the commands");
  CLI::Option* const race =
      app.add_flag("--race", finds_races, "find data races: ThreadSanitizer; exit status 66 when there was one");
  app.add_flag("--asan", finds_bad_addresses, "find misused memory, leaks, undefined behaviour: AddressSanitizer and its kin")
      ->excludes(race);
  app.footer(
      "Programs are kept by content in ${XDG_CACHE_HOME:-~/.cache}/weft/run, the last 64 of them.\n"
      "--race and --asan build the library a second time on first use, with Clang 19 where it is installed.\n"
      "CXX, CXXFLAGS and LDFLAGS are honoured. The exit status is the program's, 1 when it does not compile.");
  // What follows the file belongs to the program, also what looks like an option.
  int own_words = 1;
  while (own_words < argc && argv[own_words][0] == '-') ++own_words;
  if (auto status = parse_words(app, own_words, argv, "[-x] [--race|--asan] FILE.cpp [args…]")) return *status;
  if (own_words == argc) {
    std::fputs("weft run: which file? Usage: weft run [-x] [--race|--asan] FILE.cpp [args…]\n", stderr);
    return exit_usage;
  }
  if (finds_races) wanted.checked_by = sanitizer::race;
  if (finds_bad_addresses) wanted.checked_by = sanitizer::address;
  const std::string source = argv[own_words];
  if (::access(source.c_str(), R_OK) != 0 || fs::is_directory(source)) {
    std::fprintf(stderr, "weft run: cannot read %s: %s\n", source.c_str(),
                 fs::is_directory(source) ? "it is a folder" : std::strerror(errno));
    return exit_failed;
  }
  try {
    return compile_and_become(source, words(argv + own_words + 1, argv + argc), wanted);
  } catch (const fs::filesystem_error& e) {
    std::fprintf(stderr, "weft run: cannot use the cache %s: %s (XDG_CACHE_HOME chooses another place)\n",
                 run_cache::default_folder().c_str(), e.code().message().c_str());
    return exit_failed;
  }
}

}  // namespace weft::tool
