// The rows of `weft bench`: what is measured, in which unit, and how many times better than Go it has to be. What exactly
// runs is in bench/README.md. In every row less is better.
#pragma once

#include <span>
#include <string_view>

namespace weft::bench {

struct row {
  std::string_view name;
  std::string_view program;  // the word for the row programs; rows with the same program are measured together
  std::string_view figure;   // which of the program's figures this row is
  std::string_view unit;
  double wanted[2];          // ratio to Go with 1 and with 2 processors; 0: no such run
  std::string_view what;
};

std::span<const row> rows();
const row* find_row(std::string_view name);

}  // namespace weft::bench
