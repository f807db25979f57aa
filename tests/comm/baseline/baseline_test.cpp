#include "comm/baseline/baseline.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/ranks.hpp"
#include "tests/support/test.hpp"

#include <cmath>
#include <cstring>
#include <random>

using namespace eightfold;
using test::world;

namespace {

// Open MPI asks when it starts, before main() could.
const bool kAllowed = [] {
  comm::baseline::allow_mpi_algorithms();
  return true;
}();

const std::vector<std::string> kNames = {
    "mpi", "mpi:1", "mpi:2", "mpi:3", "mpi:4", "mpi:5", "mpi:6", "gloo", "gloo:halving_doubling"};

// Rank r holds (r + 1) (i mod 61): sums are exact in any order.
bool sums_are_exact(const std::string& name, std::size_t count) {
  std::vector<float> values(count);
  const auto baseline = comm::baseline::make_baseline(name, world(), values);
  const int weight = world().size() * (world().size() + 1) / 2;
  bool exact = true;
  for (int repeat = 0; repeat < 3; ++repeat) {
    for (std::size_t i = 0; i < count; ++i)
      values[i] = static_cast<float>((world().rank() + 1) * static_cast<int>(i % 61));
    baseline->allreduce();
    for (std::size_t i = 0; i < count; ++i)
      exact = exact && values[i] == static_cast<float>(weight * static_cast<int>(i % 61));
  }
  world().barrier();  // nobody closes a connection that others still use
  return exact;
}

std::vector<float> sum_of_thirds(const std::string& name) {
  std::mt19937 random(static_cast<unsigned>(world().rank()) + 1);
  std::vector<float> values(1001);
  for (float& value : values) value = static_cast<float>(random() % 1000) / 3;
  const auto baseline = comm::baseline::make_baseline(name, world(), values);
  baseline->allreduce();
  return values;
}

}  // namespace

TEST_CASE("every baseline adds up what all ranks have, for any count and again and again") {
  REQUIRE(kAllowed);
  for (const std::string& name : kNames) {
    if (!comm::baseline::unsupported_reason(name).empty()) continue;  // the same on every rank
    for (const std::size_t count : {0U, 1U, 3U, 256U, 1000U, 70001U}) {
      CAPTURE(name, count);
      CHECK_ALL_RANKS(sums_are_exact(name, count));
    }
  }
}

TEST_CASE("Open MPI's algorithms are chosen by number: their orders of addition show") {
  if (!comm::baseline::unsupported_reason("mpi:1").empty() || world().size() < 3) return;
  const bool differ = sum_of_thirds("mpi:1") != sum_of_thirds("mpi:4");
  const bool repeat = sum_of_thirds("mpi:1") == sum_of_thirds("mpi:1");
  CHECK_ALL_RANKS(differ);
  CHECK_ALL_RANKS(repeat);
}

TEST_CASE("baselines have names, and others are refused with a list of them") {
  for (const std::string& name : kNames) CHECK(comm::baseline::is_baseline(name));
  CHECK_FALSE(comm::baseline::is_baseline("two_shot"));
  CHECK_FALSE(comm::baseline::is_baseline("mpi:7"));
  std::vector<float> values(1);
  CHECK_THROWS_AS(comm::baseline::make_baseline("mpi:7", world(), values), base::ConfigError);
  CHECK(comm::baseline::baseline_names().find("mpi:6, gloo") != std::string::npos);
}
