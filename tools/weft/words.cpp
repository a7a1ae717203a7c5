#include "words.h"

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/nearest.h"
#include "command.h"

namespace weft::tool {
namespace {

// CLI11 names the words it did not expect only inside its message; the first one is what the user mistyped.
std::string hint(const CLI::App& app) {
  const std::vector<std::string> unexpected = app.remaining();
  if (unexpected.empty()) return "";
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  const std::vector<std::string_view> known(names.begin(), names.end());
  return did_you_mean(unexpected.front(), known);
}

// The installed CLI11 cannot be told the usage line any other way.
class usage_formatter : public CLI::Formatter {
 public:
  explicit usage_formatter(std::string usage) : usage_(std::move(usage)) {}
  std::string make_usage(const CLI::App*, std::string name) const override {
    return "Usage: " + name + ' ' + usage_ + '\n';
  }

 private:
  std::string usage_;
};

}  // namespace

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  std::string_view match = base::nearest(word, known);
  for (std::string_view candidate : known) {
    if (match.empty() && word.size() >= 2 && candidate.starts_with(word)) match = candidate;
  }
  return match.empty() ? "" : "; did you mean '" + std::string(match) + "'?";
}

std::optional<int> parse_words(CLI::App& app, int argc, char** argv, const std::string& usage) {
  if (!usage.empty()) app.formatter(std::make_shared<usage_formatter>(usage));
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return 0;
  } catch (const CLI::ExtrasError&) {
    std::fprintf(stderr, "%s: unexpected '%s'%s\n", app.get_name().c_str(), app.remaining().front().c_str(),
                 hint(app).c_str());
  } catch (const CLI::ParseError& e) {
    std::fprintf(stderr, "%s: %s\n", app.get_name().c_str(), e.what());
  }
  std::fprintf(stderr, "`%s --help` shows the usage.\n", app.get_name().c_str());
  return exit_usage;
}

}  // namespace weft::tool
