#include "format.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <span>
#include <sstream>

namespace weft::lab {
namespace {

struct scale {
  double from;
  double unit;
  const char* name;
};

std::string three_digits(double value) {
  char text[32];
  const double size = std::abs(value);
  std::snprintf(text, sizeof text, size >= 99.95 ? "%.0f" : size >= 9.995 ? "%.1f" : "%.2f", value);
  return text;
}

std::string scaled(double value, std::span<const scale> scales) {
  const auto fits = std::ranges::find_if(scales, [&](const scale& s) { return std::abs(value) >= s.from; });
  const scale& chosen = fits == scales.end() ? scales.back() : *fits;
  return three_digits(value / chosen.unit) + ' ' + chosen.name;
}

std::string time(double seconds) {
  constexpr scale scales[] = {{1, 1, "s"}, {1e-3, 1e-3, "ms"}, {1e-6, 1e-6, "µs"}, {0, 1e-9, "ns"}};
  return seconds == 0 ? "0 s" : scaled(seconds, scales);
}

std::string bytes(double count) {
  constexpr scale scales[] = {{0x1p30, 0x1p30, "GiB"}, {0x1p20, 0x1p20, "MiB"}, {0x1p13, 0x1p10, "KiB"}};
  if (count < 0x1p13) return std::to_string(std::lround(count)) + " B";
  return scaled(count, scales);
}

std::string grouped(double count) {
  if (count != 0 && std::abs(count) < 100 && count != std::round(count)) return three_digits(count);
  std::string digits = std::to_string(std::llround(std::abs(count)));
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<std::size_t>(at), ",");
  return (count < 0 ? "-" : "") + digits;
}

}  // namespace

std::string format(std::string_view figure, double value) {
  if (std::isnan(value)) return "-";
  if (figure.ends_with("_s")) return time(value);
  if (figure.ends_with("_ns")) return time(value * 1e-9);
  if (figure.ends_with("_bytes")) return bytes(value);
  if (figure.ends_with("_x")) return "×" + three_digits(value);
  if (figure.ends_with("_percent")) return three_digits(value) + " %";
  return grouped(value);
}

std::size_t display_width(std::string_view utf8) {
  return static_cast<std::size_t>(std::ranges::count_if(utf8, [](char byte) { return (byte & 0xc0) != 0x80; }));
}

std::string wrapped(std::string_view text, std::size_t columns, std::size_t indent) {
  std::istringstream words{std::string(text)};
  std::string out;
  std::size_t at = indent;
  for (std::string word; words >> word;) {
    const std::size_t width = display_width(word);
    if (at > indent && at + 1 + width > columns) {
      out += '\n' + std::string(indent, ' ');
      at = indent;
    } else if (at > indent) {
      out += ' ';
      ++at;
    }
    out += word;
    at += width;
  }
  return out;
}

}  // namespace weft::lab
