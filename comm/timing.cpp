#include "comm/timing.hpp"

#include "kernels/base/error.hpp"

#include <algorithm>
#include <bit>

namespace eightfold::comm {

double median(std::vector<double> values) {
  base::require(!values.empty(), "the median of no values");
  const auto upper = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), upper, values.end());
  if (values.size() % 2 == 1) return *upper;
  return (*std::max_element(values.begin(), upper) + *upper) / 2;
}

std::vector<double> slowest_of_ranks(Communicator& communicator, std::span<const double> times_s) {
  std::vector<double> slowest;
  slowest.reserve(times_s.size());
  for (const double mine : times_s) {
    double largest = mine;
    for (const std::uint64_t bits : communicator.all_gather(std::bit_cast<std::uint64_t>(mine)))
      largest = std::max(largest, std::bit_cast<double>(bits));
    slowest.push_back(largest);
  }
  return slowest;
}

}  // namespace eightfold::comm
