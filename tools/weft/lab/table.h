// Tables on the terminal: the first column to the left, figures to the right.
#pragma once

#include <string>
#include <vector>

namespace weft::lab {

class table {
 public:
  explicit table(std::vector<std::string> headings) : rows_{std::move(headings)} {}
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }  // as many as headings
  void footnote(std::string text) { footnotes_.push_back(std::move(text)); }

  std::string to_string() const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::string> footnotes_;
};

}  // namespace weft::lab
