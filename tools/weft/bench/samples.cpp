#include "samples.h"

#include <algorithm>

namespace weft::bench {

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

std::optional<comparison> compare(const std::vector<double>& weft, const std::vector<double>& go) {
  if (weft.empty() || weft.size() != go.size()) return std::nullopt;
  std::vector<double> ratios;
  for (std::size_t i = 0; i < weft.size(); ++i) ratios.push_back(weft[i] > 0 ? go[i] / weft[i] : 0);
  const auto [least, most] = std::ranges::minmax(ratios);
  const double middle = median(ratios);
  return comparison{median(weft), median(go), middle, middle > 0 ? (most - least) / middle : 0};
}

}  // namespace weft::bench
