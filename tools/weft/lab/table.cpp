#include "table.h"

#include <algorithm>

#include "format.h"

namespace weft::lab {

std::string table::to_string() const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
  }
  const auto line = [&](const std::vector<std::string>& row) {
    std::string out = " ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - display_width(row[i]), ' ');
      out += i == 0 ? " " + row[i] + padding : "  " + padding + row[i];
    }
    while (out.ends_with(' ')) out.pop_back();
    return out + '\n';
  };
  std::string out = line(rows_.front());
  std::size_t total = 0;
  for (std::size_t width : widths) total += width + 2;
  out += "  ";
  for (std::size_t i = 2; i < total; ++i) out += "─";
  out += '\n';
  for (std::size_t i = 1; i < rows_.size(); ++i) out += line(rows_[i]);
  for (const std::string& note : footnotes_) out += "  " + wrapped(note, 110, 4) + '\n';
  return out;
}

}  // namespace weft::lab
