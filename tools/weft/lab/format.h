// Figures as people read them. The end of a figure's name is its unit: see experiment.h.
#pragma once

#include <string>
#include <string_view>

namespace weft::lab {

std::string format(std::string_view figure, double value);  // "1.25 ms", "3.1 MiB", "×4.2", "12,345"

std::size_t display_width(std::string_view utf8);  // columns on a terminal, for the letters used here

// Lines of at most `columns`, broken between words; lines after the first start with `indent` blanks.
std::string wrapped(std::string_view text, std::size_t columns, std::size_t indent);

}  // namespace weft::lab
