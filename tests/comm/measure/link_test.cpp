#include "comm/measure/link.hpp"

#include "tests/support/test.hpp"

#include <cmath>

using namespace eightfold;
using comm::measure::LinkSample;
using comm::measure::PairChoice;
using comm::measure::RankPair;
using comm::schedules::Topology;

namespace {

std::vector<LinkSample> line(double latency_s, double bytes_per_s) {
  std::vector<LinkSample> samples;
  for (const std::size_t bytes : {8U, 1024U, 32768U, 2097152U})
    samples.push_back({bytes, latency_s + static_cast<double>(bytes) / bytes_per_s});
  return samples;
}

}  // namespace

TEST_CASE("a line is found again from its points") {
  const comm::measure::LinkModel model = fit_link(line(40e-6, 118e6));
  CHECK(model.latency_s == Approx(40e-6));
  CHECK(model.bytes_per_s == Approx(118e6));
  CHECK(model.time_s(118e6) == Approx(1 + 40e-6));
}

TEST_CASE("errors count relative to the times, so that the latency survives a large message's noise") {
  std::vector<LinkSample> samples = line(40e-6, 118e6);
  samples.back().time_s *= 1.05;  // nearly a millisecond
  const comm::measure::LinkModel model = fit_link(samples);
  CHECK(model.latency_s == Approx(40e-6).epsilon(0.05));
  CHECK(model.bytes_per_s == Approx(118e6).epsilon(0.06));
}

TEST_CASE("a latency or a time per byte below none is not believed") {
  const std::vector<LinkSample> steep = {{1000, 1e-6}, {2000, 4e-6}};
  CHECK(fit_link(steep).latency_s == 0);
  CHECK(fit_link(steep).bytes_per_s > 0);
  const std::vector<LinkSample> falling = {{1000, 4e-6}, {2000, 1e-6}};
  CHECK(fit_link(falling).latency_s > 0);
  CHECK(fit_link(falling).bytes_per_s == Approx(2e9));
}

TEST_CASE("node pairs join the first ranks of every two nodes and the first two ranks of each") {
  const Topology topology(std::vector<std::uint64_t>{0, 0, 1, 2, 2, 2});
  const std::vector<RankPair> pairs = {{0, 1}, {0, 2}, {0, 3}, {2, 3}, {3, 4}};
  CHECK(rank_pairs(topology, PairChoice::nodes) == pairs);
  CHECK(rank_pairs(topology, PairChoice::all).size() == 15);
  CHECK(rank_pairs(Topology::uniform(1, 1), PairChoice::all).empty());
}
