// From samples to what is printed. Times drift with the machine, so what is compared is the ratio of two runs made right
// after one another; the median of those ratios counts.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace weft::bench {

double median(std::vector<double> values);  // of at least one

struct comparison {
  double weft;    // medians
  double go;
  double ratio;   // median of go / weft, pair by pair: how many times better weft is
  double spread;  // (largest - smallest) / median of those ratios
};

// Sample i of both was taken in the same round. Nullopt: none were.
std::optional<comparison> compare(const std::vector<double>& weft, const std::vector<double>& go);

}  // namespace weft::bench
