#include "runtime/data/order.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

using namespace eightfold;
using runtime::data::permuted;
using runtime::data::SampleOrder;

namespace {

std::vector<std::int64_t> whole_epoch(const SampleOrder& order, std::int64_t epoch) {
  std::vector<std::int64_t> visited;
  for (std::int64_t position = 0; position < order.size(); ++position)
    visited.push_back(order.at(epoch, position));
  return visited;
}

bool is_permutation_of_all(std::vector<std::int64_t> visited) {
  std::ranges::sort(visited);
  for (std::size_t i = 0; i < visited.size(); ++i)
    if (visited[i] != static_cast<std::int64_t>(i)) return false;
  return true;
}

// The sum over cells of (seen - expected)^2 / expected.
double chi_squared(const std::vector<int>& seen, double expected) {
  return std::accumulate(seen.begin(), seen.end(), 0.0, [&](double sum, int count) {
    return sum + (count - expected) * (count - expected) / expected;
  });
}

}  // namespace

TEST_CASE("an epoch visits every sample exactly once, whatever the size") {
  std::vector<std::int64_t> sizes = {60000, 65535, 65536, 65537};
  for (std::int64_t size = 1; size <= 1000; size = size < 70 ? size + 1 : size + 31) sizes.push_back(size);
  sizes.push_back(1000);
  for (const std::int64_t size : sizes)
    for (const std::int64_t epoch : {0, 1, 77}) {
      CAPTURE(size, epoch);
      CHECK(is_permutation_of_all(whole_epoch(SampleOrder(3, size), epoch)));
    }
}

TEST_CASE("epochs and seeds have different orders, and the same ones the same") {
  const SampleOrder order(5, 500);
  const auto first = whole_epoch(order, 0);
  CHECK(whole_epoch(SampleOrder(5, 500), 0) == first);
  const std::set<std::vector<std::int64_t>> distinct = {first, whole_epoch(order, 1), whole_epoch(order, 2),
                                                        whole_epoch(SampleOrder(6, 500), 0),
                                                        whole_epoch(SampleOrder(5 + (1ULL << 32), 500), 0)};
  CHECK(distinct.size() == 5);
}

TEST_CASE("every order of a few samples occurs about equally often") {
  constexpr int kEpochs = 12000;
  const SampleOrder order(1, 4);
  std::vector<int> seen(256);
  for (int epoch = 0; epoch < kEpochs; ++epoch) {
    const auto visited = whole_epoch(order, epoch);
    ++seen[static_cast<std::size_t>(visited[0] + 4 * visited[1] + 16 * visited[2] + 64 * visited[3])];
  }
  std::erase(seen, 0);
  REQUIRE(seen.size() == 24);
  CHECK(chi_squared(seen, kEpochs / 24.0) < 49.7);  // 23 degrees of freedom, 0.1 %
}

TEST_CASE("every sample is equally likely at every position, and so is what follows it") {
  constexpr std::int64_t kSize = 13;
  constexpr int kEpochs = 13000;
  const SampleOrder order(2, kSize);
  std::vector<int> at_position(kSize * kSize), step(kSize);
  for (int epoch = 0; epoch < kEpochs; ++epoch) {
    const auto visited = whole_epoch(order, epoch);
    for (std::size_t i = 0; i < visited.size(); ++i)
      ++at_position[i * kSize + static_cast<std::size_t>(visited[i])];
    ++step[static_cast<std::size_t>((visited[1] - visited[0] + kSize) % kSize)];
  }
  CHECK(chi_squared(at_position, kEpochs / 13.0) < 201.0);  // 144 degrees of freedom, 0.1 %
  CHECK(step[0] == 0);
  step.erase(step.begin());
  CHECK(chi_squared(step, kEpochs / 12.0) < 31.3);  // 11 degrees of freedom, 0.1 %
}

TEST_CASE("an order of very many samples is computed at single positions") {
  constexpr std::uint64_t kSize = (1ULL << 40) + 7;
  std::set<std::uint64_t> visited;
  for (std::uint64_t position = kSize - 1000; position < kSize; ++position) {
    const std::uint64_t sample = permuted({9, 0, 0}, kSize, position);
    CHECK(sample < kSize);
    visited.insert(sample);
  }
  CHECK(visited.size() == 1000);
  CHECK(*visited.rbegin() - *visited.begin() > kSize / 2);
}

TEST_CASE("a position outside the order is refused") {
  const SampleOrder order(1, 10);
  CHECK_THROWS_AS(order.at(0, 10), base::InternalError);
  CHECK_THROWS_AS(order.at(0, -1), base::InternalError);
  CHECK_THROWS_AS(order.at(-1, 0), base::InternalError);
  CHECK_THROWS_AS(SampleOrder(1, 0).at(0, 0), base::InternalError);
}
