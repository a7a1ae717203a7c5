// "Unknown word X, did you mean Y?"
#pragma once

#include <span>
#include <string_view>

namespace weft::base {

// The known word with the fewest edits (insert, drop, replace or swap neighbours; case ignored) to `word`; empty when
// even the best needs more than a third of the letters changed, because a far-fetched guess helps nobody.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace weft::base
