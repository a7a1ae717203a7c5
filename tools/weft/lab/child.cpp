// The child's side of a run: finds the body, runs it (on a goroutine where the kind asks for one) and prints its sheet.
#include <fcntl.h>
#include <sys/mman.h>
#include <weft/runtime.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "experiment.h"
#include "runner.h"
#include "sheet.h"

namespace weft::lab {
namespace {

shared_progress* map_progress() {
  static shared_progress unwatched{};
  void* page = ::mmap(nullptr, sizeof(shared_progress), PROT_READ | PROT_WRITE, MAP_SHARED, progress_fd, 0);
  return page == MAP_FAILED ? &unwatched : static_cast<shared_progress*>(page);
}

const body* find_body(const experiment& e, std::string_view word) {
  const auto slash = word.find('/');
  for (const body& b : e.bodies) {
    if (kind_word(b.who) == word.substr(0, slash) && b.form == word.substr(slash + 1)) return &b;
  }
  return nullptr;
}

arguments read_arguments(int argc, char** argv) {
  arguments given;
  for (int i = 0; i < argc; ++i) {
    const std::string word = argv[i];
    const auto equals = word.find('=');
    given[word.substr(0, equals)] = std::atol(word.c_str() + equals + 1);
  }
  return given;
}

}  // namespace

// argv: "lab" "--child" ID KIND/FORM NAME=VALUE…
int child_main(int argc, char** argv) {
  const experiment* e = argc >= 4 ? find_experiment(argv[2]) : nullptr;
  const body* chosen = e ? find_body(*e, argv[3]) : nullptr;
  if (!chosen) {
    std::fputs("weft lab --child: no such run\n", stderr);
    return 2;
  }
  const arguments given = read_arguments(argc - 4, argv + 4);
  sheet s(given, map_progress());
  s.set("base_bytes", read_proc_status().memory_bytes());
  if (chosen->who == kind::goroutines) {
    const auto procs = given.find("procs");
    weft::run([&] { chosen->run(s); }, {.procs = procs == given.end() ? 0 : static_cast<int>(procs->second)});
  } else {
    chosen->run(s);
  }
  std::printf("%s\n", s.to_json().c_str());
  std::fflush(stdout);
  std::_Exit(0);  // nothing left to destroy is worth measuring
}

}  // namespace weft::lab
