#include "runtime/run/replicas.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <vector>

namespace eightfold::runtime::run {
namespace {

// The hash that more than half of the ranks have: it stands in the middle of the sorted ones, if there is
// one.
std::optional<std::uint64_t> majority_of(std::span<const std::uint64_t> hashes) {
  std::vector<std::uint64_t> sorted(hashes.begin(), hashes.end());
  std::ranges::sort(sorted);
  const std::uint64_t middle = sorted[sorted.size() / 2];
  const auto count = static_cast<std::size_t>(std::ranges::count(sorted, middle));
  return 2 * count > sorted.size() ? std::optional(middle) : std::nullopt;
}

}  // namespace

std::optional<std::string> replica_mismatch(std::span<const std::uint64_t> hashes) {
  if (std::ranges::adjacent_find(hashes, std::not_equal_to<>()) == hashes.end()) return std::nullopt;
  const std::optional<std::uint64_t> majority = majority_of(hashes);
  std::vector<std::string> odd;
  for (std::size_t rank = 0; rank < hashes.size(); ++rank)
    if (hashes[rank] != majority) odd.push_back(fmt::format("rank {} (hash {:016x})", rank, hashes[rank]));
  // Without a majority no hash is equal to it, so that the list has all ranks.
  if (!majority)
    return fmt::format("the weights of the ranks differ, and no majority tells which are right: {}",
                       fmt::join(odd, ", "));
  return fmt::format("the weights of {} are not those of most ranks (hash {:016x})", fmt::join(odd, ", "),
                     *majority);
}

}  // namespace eightfold::runtime::run
