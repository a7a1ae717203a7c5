// What a report says about the machine it was made on.
#pragma once

#include <string>

namespace weft::lab {

struct machine {
  std::string cpu;  // model
  int cpus;         // usable by this process
  std::string kernel;
  double memory_bytes;
  std::string built_with;
  std::string go;  // version; empty: none found

  std::string one_line() const;
};

machine this_machine();

}  // namespace weft::lab
