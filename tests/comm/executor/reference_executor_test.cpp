#include "comm/executor/reference_executor.hpp"

#include "comm/schedules/generators.hpp"
#include "quant8/reference.hpp"
#include "tests/comm/executor/local_job.hpp"
#include "tests/support/test.hpp"

#include <cstring>
#include <random>

using namespace eightfold;
using comm::schedules::Schedule;
using comm::schedules::Topology;
using quant8::Format;
using quant8::kBlock;
using test::LocalJob;
using test::LocalSettings;

namespace {

using PerRank = std::vector<std::vector<float>>;

std::vector<Schedule> schedules_of(const LocalSettings& settings) {
  std::vector<Schedule> schedules;
  for (int rank = 0; rank < settings.topology.ranks(); ++rank)
    schedules.push_back(comm::schedules::find_generator(settings.algorithm)
                            ->schedule({settings.topology, rank, settings.elements}));
  return schedules;
}

PerRank random_values(int ranks, std::int64_t elements) {
  std::mt19937 random(11);
  std::normal_distribution<float> normal;
  PerRank values(static_cast<std::size_t>(ranks), std::vector<float>(static_cast<std::size_t>(elements)));
  for (auto& each : values)
    for (float& value : each) value = normal(random);
  return values;
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

// Whether the executor leaves the reference's values and residuals behind on every rank, three steps long.
bool executor_agrees(const LocalSettings& settings) {
  const std::vector<Schedule> schedules = schedules_of(settings);
  const auto codec = quant8::make_reference_codec(settings.encoding, settings.rounding);
  LocalJob job(settings);
  PerRank residuals;
  if (settings.has_residual) residuals.assign(schedules.size(), std::vector<float>(job.values(0).size()));
  for (std::uint32_t step = 0; step < 3; ++step) {
    PerRank values = random_values(job.ranks(), settings.elements);
    for (int rank = 0; rank < job.ranks(); ++rank)
      std::ranges::copy(values[static_cast<std::size_t>(rank)], job.values(rank).begin());
    job.run(step);
    // The key that LocalJob gives its ranks.
    comm::executor::run_reference(
        schedules, {*codec, {.seed = 7, .step = step, .bucket = 3}, 0, settings.elements}, values, residuals);
    for (int rank = 0; rank < job.ranks(); ++rank) {
      const auto at = static_cast<std::size_t>(rank);
      if (!same_bits(job.values(rank), values[at])) return false;
      if (settings.has_residual && !same_bits(job.residual(rank), residuals[at])) return false;
    }
  }
  return true;
}

}  // namespace

TEST_CASE("the executor computes what the reference does, with every generator and at the edges of blocks") {
  const std::vector<Topology> topologies = {Topology::uniform(1, 1), Topology::uniform(2, 1),
                                            Topology::uniform(3, 1), Topology::uniform(2, 2),
                                            Topology(std::vector<std::uint64_t>{0, 1, 1, 0, 1})};
  for (const auto& generator : comm::schedules::generators())
    for (const Topology& topology : topologies)
      for (const std::int64_t elements : {std::int64_t{0}, std::int64_t{1}, kBlock, 5 * kBlock + 17}) {
        const LocalSettings settings{
            .algorithm = generator.name,
            .topology = topology,
            .elements = elements,
            .encoding = {generator.exact_only ? Format::fp32 : Format::dynamic_tree8}};
        CAPTURE(generator.name, topology.ranks(), elements);
        CHECK(executor_agrees(settings));
      }
}

TEST_CASE(
    "the executor computes what the reference does, in every format, with error feedback and at random") {
  for (const Format format : quant8::all_formats())
    for (const bool has_residual : {false, true})
      for (const auto rounding : {quant8::Rounding::nearest, quant8::Rounding::stochastic}) {
        if (rounding == quant8::Rounding::stochastic && !quant8::has_levels(format)) continue;
        for (const std::string_view algorithm : {"two_shot", "ring", "hierarchical"}) {
          LocalSettings settings{.algorithm = algorithm,
                                 .topology = Topology::uniform(2, 2),
                                 .elements = 9 * kBlock + 100,
                                 .encoding = {format},
                                 .rounding = rounding,
                                 .has_residual = has_residual,
                                 .longest_delay = 3};
          CAPTURE(to_string(format), has_residual, static_cast<int>(rounding), algorithm);
          CHECK(executor_agrees(settings));
        }
      }
}

TEST_CASE("the reference computes any blocks of a bucket as it computes the whole of it") {
  const LocalSettings settings{
      .algorithm = "ring", .topology = Topology::uniform(3, 1), .elements = 10 * kBlock + 5, .encoding = {}};
  const std::vector<Schedule> schedules = schedules_of(settings);
  const auto codec = quant8::make_reference_codec({Format::linear8}, quant8::Rounding::stochastic);
  PerRank whole = random_values(3, settings.elements), part(3);
  const std::int64_t first = 3 * kBlock, count = 5 * kBlock + 1;
  for (std::size_t rank = 0; rank < 3; ++rank)
    part[rank].assign(whole[rank].begin() + first, whole[rank].begin() + first + count);
  comm::executor::run_reference(schedules, {*codec, {.seed = 1}, 0, settings.elements}, whole, {});
  // The last of these blocks is cut short: only those before it have the values of the whole.
  comm::executor::run_reference(schedules, {*codec, {.seed = 1}, first, count}, part, {});
  const auto compared = static_cast<std::size_t>(count / kBlock * kBlock);
  for (std::size_t rank = 0; rank < 3; ++rank)
    CHECK(same_bits(std::span(part[rank]).first(compared),
                    std::span(whole[rank]).subspan(static_cast<std::size_t>(first), compared)));
}

TEST_CASE("schedules that wait for a message nobody sends come to a standstill, and the reference says so") {
  const comm::schedules::Shard shard{0, 4, 0};
  const std::vector<Schedule> schedules = {{{shard}, {{{comm::schedules::Action::receive_add, 0, 1}}}},
                                           {{shard}, {{}}}};
  PerRank values(2, std::vector<float>(4, 1.0f));
  const auto codec = quant8::make_reference_codec({Format::fp32});
  CHECK_THROWS_AS(comm::executor::run_reference(schedules, {*codec, {}, 0, 4}, values, {}),
                  base::InternalError);
}
