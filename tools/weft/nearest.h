// The word somebody meant: the nearest of a few known ones, for "did you mean".
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace weft::tool {

// Edits (insert, delete, replace, swap of neighbours) that turn a into b.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The known word nearest to `word`; empty when none is near (more than a third of its letters differ, two at least).
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

// "; did you mean 'run'?" or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> known);

}  // namespace weft::tool
