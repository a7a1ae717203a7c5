// Code addresses in words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "debug/symbols.h"
#include "inspect/target.h"

namespace weft::tool {

struct code_place {
  std::string function;  // empty: not known
  std::string file;      // of the source; empty: not known
  int line = 0;
  std::string module;        // program or library; empty: none is mapped there
  std::uint64_t offset = 0;  // in it
};

// Says where return addresses are, in the user's own code if it can. Keeps what it found out.
class places {
 public:
  explicit places(target&, bool with_symbols);
  const code_place& of_return_address(std::uint64_t);

 private:
  code_place look_up(std::uint64_t);

  target& process_;
  std::optional<debug::symboliser> symbols_;
  std::unordered_map<std::uint64_t, code_place> known_;
};

// "read_all() server.cpp:17", "read_all()", or "server+0x1234".
std::string to_string(const code_place&);

}  // namespace weft::tool
