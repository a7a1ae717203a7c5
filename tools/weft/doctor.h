// What `weft doctor` looks at: kernel features, limits and settings, each with what it means for weft. The lab prints the
// same findings beside its figures.
#pragma once

#include <string>
#include <vector>

namespace weft::tool {

struct finding {
  enum class level {
    ok,
    note,   // weft works around it; knowing helps to read figures
    limit,  // a documented size (a million goroutines, 10,000 threads or connections) does not fit
  };
  std::string group;   // "CPU", "stacks and memory", …
  std::string name;    // stable: the key in --json
  std::string value;   // as the kernel has it
  std::string effect;  // what weft does about it
  std::string remedy;  // what to raise, and how; empty: nothing to do
  level severity = level::ok;
};

// Looks at everything, in the order it is shown. Changes nothing. A few milliseconds; external tools are only looked up.
std::vector<finding> examine();

const char* to_string(finding::level);

}  // namespace weft::tool
