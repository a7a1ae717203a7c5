#include "progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace weft::lab {
namespace {

constexpr double quiet_s = 2;
constexpr double redraw_s = 0.1;
constexpr double plain_line_s = 15;

bool is_terminal() {
  static const bool is_one = ::isatty(STDERR_FILENO) != 0;
  return is_one;
}

}  // namespace

void progress_bar::show(double done, const std::string& what) {
  const double now_s = since_start_.seconds();
  if (now_s < quiet_s || now_s - shown_at_s_ < (is_terminal() ? redraw_s : plain_line_s)) return;
  shown_at_s_ = now_s;
  const int percent = static_cast<int>(std::clamp(done, 0.0, 1.0) * 100);
  if (!is_terminal()) {
    std::fprintf(stderr, "%s: %d %%, %.0f s, running %s\n", title_.c_str(), percent, now_s, what.c_str());
    return;
  }
  constexpr int cells = 24;
  std::string bar;
  for (int i = 0; i < cells; ++i) bar += i * 100 < percent * cells ? "█" : "░";
  std::fprintf(stderr, "\r\033[K%s %s %3d %%  %.0f s  %s", title_.c_str(), bar.c_str(), percent, now_s, what.c_str());
  std::fflush(stderr);
  is_drawn_ = true;
}

void progress_bar::erase() {
  if (is_drawn_) std::fputs("\r\033[K", stderr);
  is_drawn_ = false;
}

}  // namespace weft::lab
