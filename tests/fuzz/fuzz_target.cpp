// libFuzzer's entry: the bytes are a program. Built where the compiler has -fsanitize=fuzzer:
//
//   scripts/packages build fuzz && cmake --preset clang -DWEFT_FUZZ=ON && cmake --build --preset clang --target fuzz_chan
//   build/clang/tests/bin/fuzz_chan -max_len=400 -max_total_time=600
#include <cstdio>
#include <cstdlib>

#include <weft/weft.h>

#include "program.h"
#include "runner.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const int set_once = weft::set_procs(2);
  static_cast<void>(set_once);
  const std::span bytes(data, size);
  for (const bool at_once : {false, true}) {
    const auto program = fuzz::decode(bytes, at_once ? 14 : 60);
    const std::string problem = at_once ? fuzz::run_at_once(program) : fuzz::run_stepwise(program);
    if (problem.empty()) continue;
    std::fputs(problem.c_str(), stderr);
    std::abort();
  }
  return 0;
}
