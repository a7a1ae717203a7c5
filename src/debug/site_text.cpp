#include "debug/site_text.h"

#include <mutex>

#include "debug/frames_text.h"
#include "debug/large_stack.h"

namespace weft::debug {
namespace {

struct known_names {
  std::mutex lock;
  symboliser names{whose::self()};  // guarded by lock; of the modules that were loaded at the first call
};

std::string look_up(const void* return_address) {
  static auto* const known = new known_names;  // never destroyed: reports may be made while the process exits
  std::lock_guard hold(known->lock);
  std::string text = place_text(known->names, return_address);
  text.pop_back();
  const std::size_t end_of_name = text.find("\n\t");
  return text.substr(0, end_of_name) + " at " + text.substr(end_of_name + 2);
}

}  // namespace

std::string site_text(const void* return_address) {
  std::string text;
  on_large_stack_undeclared([&] { text = look_up(return_address); });
  return text;
}

}  // namespace weft::debug
