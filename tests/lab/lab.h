// Runs `weft lab` and reads its JSON.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/tool.h"

namespace lab_test {

using nlohmann::json;

class lab : public cli::tool_test {
 protected:
  cli::outcome run_lab(std::vector<std::string> words) const {
    words.insert(words.begin(), "lab");
    return weft(std::move(words));
  }

  // One experiment without Go; the object that describes it.
  json run_one(std::vector<std::string> words) const {
    words.insert(words.end(), {"--no-go", "--json"});
    const cli::outcome o = run_lab(std::move(words));
    EXPECT_EQ(o.status, 0) << o.err;
    const json all = json::parse(o.out, nullptr, false);
    if (!all.is_object() || all.value("experiments", json::array()).size() != 1) {
      ADD_FAILURE() << o.out << o.err;
      return {};
    }
    return all["experiments"][0];
  }
};

inline json find_row(const json& experiment, const std::string& label) {
  for (const json& row : experiment.at("rows")) {
    if (row.at("label") == label) return row;
  }
  ADD_FAILURE() << "no row '" << label << "' in " << experiment.dump(1);
  return {};
}

inline double figure(const json& row, const std::string& name) {
  const json& figures = row.at("figures");
  if (!figures.contains(name)) {
    ADD_FAILURE() << "no figure " << name << " in " << row.dump(1);
    return -1;
  }
  return figures[name].get<double>();
}

}  // namespace lab_test
