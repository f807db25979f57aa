#pragma once

// The figure for many measured times: the least and the largest are luck.

#include "kernels/base/error.hpp"

#include <algorithm>
#include <vector>

namespace eightfold::base {

// The middle one, or the mean of the two in the middle; at least one value.
inline double median(std::vector<double> values) {
  require(!values.empty(), "the median of no values");
  const auto upper = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), upper, values.end());
  if (values.size() % 2 == 1) return *upper;
  return (*std::max_element(values.begin(), upper) + *upper) / 2;
}

}  // namespace eightfold::base
