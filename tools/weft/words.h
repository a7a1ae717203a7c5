// Reading a subcommand's words with CLI11, with this tool's manners: help on stdout, errors on stderr with the nearest
// known option, exit status 2.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace weft::tool {

// Parses argv[1..]; argv[0] is the subcommand's name. Returns the exit status when the program should end here.
// `usage` is what follows the name in the help; by default what CLI11 knows of the options.
std::optional<int> parse_words(CLI::App& app, int argc, char** argv, const std::string& usage = "");

// "; did you mean 'run'?" or nothing. The start of a word counts as the word.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> known);

}  // namespace weft::tool
