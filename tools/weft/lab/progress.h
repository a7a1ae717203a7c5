// How far a long piece of work is, on stderr: a bar that redraws itself on a terminal, a plain line now and then
// elsewhere. Says nothing during the first two seconds.
#pragma once

#include <string>

#include "sheet.h"

namespace weft::lab {

class progress_bar {
 public:
  explicit progress_bar(std::string title) : title_(std::move(title)) {}
  ~progress_bar() { erase(); }
  progress_bar(const progress_bar&) = delete;
  progress_bar& operator=(const progress_bar&) = delete;

  // `done` in 0 … 1, `what` runs at present. Cheap to call often.
  void show(double done, const std::string& what);
  void erase();

 private:
  std::string title_;
  stopwatch since_start_;
  double shown_at_s_ = -1e9;
  bool is_drawn_ = false;
};

}  // namespace weft::lab
