#include "comm/executor/executor.hpp"

#include "kernels/base/error.hpp"
#include "tests/comm/executor/local_job.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>

using namespace eightfold;
using comm::schedules::Topology;
using test::LocalJob;
using test::LocalSettings;

namespace {

constexpr std::int64_t kSizes[] = {0, 1, 255, 256, 257, 1000, 5000};

quant8::Encoding encoding(quant8::Format format) {
  return {format, quant8::Scaling::block, false};
}

// Small integers, so that sums are exact in fp32: rank r holds (r + 1) (i mod 61 + step).
float value_of(int weight, std::size_t i, std::int64_t step) {
  return static_cast<float>(weight * (static_cast<int>(i % 61) + static_cast<int>(step)));
}

void fill_with_integers(LocalJob& job, std::int64_t step) {
  for (int rank = 0; rank < job.ranks(); ++rank)
    for (std::size_t i = 0; float& value : job.values(rank)) value = value_of(rank + 1, i++, step);
}

// Whether every rank holds the sum of what fill_with_integers() gave them.
bool holds_integer_sums(LocalJob& job, std::int64_t step) {
  const int weight = job.ranks() * (job.ranks() + 1) / 2;
  for (int rank = 0; rank < job.ranks(); ++rank)
    for (std::size_t i = 0; const float value : job.values(rank))
      if (value != value_of(weight, i++, step)) return false;
  return true;
}

bool sums_integers(const LocalSettings& settings) {
  LocalJob job(settings);
  for (std::int64_t step = 0; step < 3; ++step) {
    fill_with_integers(job, step);
    job.run(step);
    if (!holds_integer_sums(job, step)) return false;
  }
  return true;
}

void fill_with_noise(LocalJob& job, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> noise;
  for (int rank = 0; rank < job.ranks(); ++rank)
    for (float& value : job.values(rank)) value = noise(random);
}

std::vector<double> exact_sums(LocalJob& job) {
  std::vector<double> sums(job.values(0).size());
  for (int rank = 0; rank < job.ranks(); ++rank)
    for (std::size_t i = 0; const float value : job.values(rank)) sums[i++] += static_cast<double>(value);
  return sums;
}

double nmse(std::span<const float> values, const std::vector<double>& exact) {
  double error = 0, power = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    error += std::pow(static_cast<double>(values[i]) - exact[i], 2);
    power += exact[i] * exact[i];
  }
  return error / power;
}

std::vector<LocalSettings> all_allreduces(quant8::Format format) {
  std::vector<LocalSettings> all;
  for (const comm::schedules::Generator& generator : comm::schedules::generators()) {
    if (generator.collective != comm::schedules::Collective::all_reduce) continue;
    if (generator.exact_only && format != quant8::Format::fp32) continue;
    for (const Topology& topology :
         {Topology::uniform(1, 1), Topology::uniform(2, 1), Topology::uniform(3, 1), Topology::uniform(2, 2),
          Topology::uniform(2, 3), Topology::uniform(5, 1)})
      all.push_back({.algorithm = generator.name, .topology = topology, .encoding = encoding(format)});
  }
  return all;
}

}  // namespace

TEST_CASE("every allreduce leaves the exact sum on every rank, whatever the size, segments and window") {
  for (LocalSettings settings : all_allreduces(quant8::Format::fp32))
    for (const std::int64_t elements : kSizes)
      for (const auto& [segment, window] : {std::pair{256, 1}, {256, 3}, {1 << 20, 1}}) {
        settings.elements = elements;
        settings.segment = segment;
        settings.window = static_cast<std::size_t>(window);
        settings.longest_delay = 3;
        INFO(settings.algorithm << ", " << settings.topology.ranks() << " ranks, " << elements
                                << " elements");
        CHECK(sums_integers(settings));
      }
}

TEST_CASE("replicas are equal bit for bit in every format, with every algorithm") {
  for (const quant8::Format format : quant8::all_formats())
    for (LocalSettings settings : all_allreduces(format)) {
      settings.elements = 3000;
      settings.longest_delay = 4;
      settings.shuffles_steps = true;
      LocalJob job(settings);
      for (std::int64_t step = 0; step < 2; ++step) {
        fill_with_noise(job, 5);
        job.run(step);
        INFO(to_string(format) << ", " << settings.algorithm << ", " << job.ranks() << " ranks");
        CHECK(job.replicas_are_equal());
      }
    }
}

TEST_CASE("replicas stay equal through a thousand steps of training with messages late at random") {
  constexpr std::int64_t kElements = 700;
  constexpr float kRate = 0.01F;
  for (const quant8::Format format : quant8::all_formats())
    for (const int ranks : {2, 3, 4}) {
      LocalJob job({.topology = Topology::uniform(ranks, 1),
                    .elements = kElements,
                    .encoding = encoding(format),
                    .has_residual = quant8::bits_of(format) < 8,
                    .longest_delay = 5,
                    .seed = static_cast<unsigned>(ranks)});
      std::mt19937 random(11);
      std::normal_distribution<float> noise;
      std::vector<std::vector<float>> weights(static_cast<std::size_t>(ranks),
                                              std::vector<float>(kElements, 1));
      for (std::int64_t step = 0; step < 1000; ++step) {
        for (int rank = 0; rank < ranks; ++rank)  // the gradient of w^2 / 2, with noise
          for (std::size_t i = 0; float& gradient : job.values(rank))
            gradient = weights[static_cast<std::size_t>(rank)][i++] + noise(random);
        job.run(step);
        for (int rank = 0; rank < ranks; ++rank)
          for (std::size_t i = 0; const float gradient : job.values(rank))
            weights[static_cast<std::size_t>(rank)][i++] -= kRate * gradient;
      }
      INFO(to_string(format) << ", " << ranks << " ranks");
      for (const std::vector<float>& replica : weights)
        CHECK(std::memcmp(replica.data(), weights[0].data(), kElements * sizeof(float)) == 0);
      double mean_square = 0;
      for (const float weight : weights[0]) mean_square += static_cast<double>(weight * weight) / kElements;
      CHECK(mean_square < 0.1);  // and it is training: they were 1
    }
}

TEST_CASE("delays and turns do not change a bit of the sum") {
  std::vector<std::vector<float>> results;
  for (const unsigned seed : {1U, 2U, 3U}) {
    LocalJob job({.topology = Topology::uniform(4, 1),
                  .elements = 5000,
                  .encoding = encoding(quant8::Format::dynamic_tree8),
                  .longest_delay = static_cast<int>(7 * seed),
                  .seed = seed});
    fill_with_noise(job, 9);
    job.run(0);
    results.emplace_back(job.values(0).begin(), job.values(0).end());
  }
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);
}

TEST_CASE("two_shot adds in fp32 from the lowest rank to the highest, whoever owns the shard") {
  LocalJob job({.topology = Topology::uniform(5, 1),
                .elements = 5 * 256 + 3,
                .encoding = encoding(quant8::Format::fp32),
                .longest_delay = 6});
  fill_with_noise(job, 4);
  std::vector<float> expected(job.values(0).begin(), job.values(0).end());
  for (int rank = 1; rank < job.ranks(); ++rank)
    for (std::size_t i = 0; const float value : job.values(rank)) expected[i++] += value;
  job.run(0);
  for (int rank = 0; rank < job.ranks(); ++rank) CHECK(std::ranges::equal(job.values(rank), expected));
}

TEST_CASE("two_shot is: everybody's shard encoded, the owner's as it is, their sum encoded once more") {
  constexpr int kRanks = 3;
  constexpr std::int64_t kElements = 3 * 512, kSegment = 256, kStep = 12;
  LocalSettings settings{.topology = Topology::uniform(kRanks, 1),
                         .elements = kElements,
                         .encoding = encoding(quant8::Format::linear4),
                         .rounding = quant8::Rounding::stochastic,
                         .segment = kSegment,
                         .longest_delay = 3};
  LocalJob job(settings);
  fill_with_noise(job, 8);
  const auto codec = quant8::make_codec(kernels::Device{}, settings.encoding, settings.rounding);
  const kernels::Stream stream(kernels::Device{});
  alignas(64) std::array<std::byte, 4096> space{};
  const std::span<std::byte> message = std::span(space).first(codec->wire_bytes(kSegment));
  // What the elements from `first` on decode to; the keys are LocalJob's, the stages docs/numerics.md's.
  const auto transcode = [&](std::span<float> values, std::int64_t first, std::uint32_t stage, int rank) {
    codec->encode(stream, values, {}, {0, {7, kStep, 3, stage, rank, static_cast<std::uint64_t>(first)}},
                  message);
    codec->decode(stream, message, values);
  };
  std::vector<float> expected;
  for (std::int64_t first = 0; first < kElements; first += kSegment) {
    std::vector<float> sum;
    for (int rank = 0; rank < kRanks; ++rank) {
      const auto own = job.values(rank).subspan(static_cast<std::size_t>(first), kSegment);
      std::vector<float> values(own.begin(), own.end());
      if (first / (kElements / kRanks) != rank) transcode(values, first, 0, rank);
      if (sum.empty())
        sum = values;
      else
        std::ranges::transform(sum, values, sum.begin(), std::plus<>());
    }
    transcode(sum, first, 63, quant8::RoundingKey::kNoRank);
    expected.insert(expected.end(), sum.begin(), sum.end());
  }
  job.run(kStep);
  CHECK(job.replicas_are_equal());
  CHECK(std::ranges::equal(job.values(1), expected));
}

TEST_CASE("the error of ring grows with the ranks, that of two_shot does not") {
  const auto error = [](std::string_view algorithm, int ranks) {
    LocalJob job({.algorithm = algorithm,
                  .topology = Topology::uniform(ranks, 1),
                  .elements = 1 << 14,
                  .encoding = encoding(quant8::Format::linear8)});
    fill_with_noise(job, 3);
    const std::vector<double> exact = exact_sums(job);
    job.run(0);
    return nmse(job.values(0), exact);
  };
  // Encoded once by its sender and once by its owner: linear8 loses 4.8e-5 each time (docs/numerics.md).
  CHECK(error("two_shot", 2) < 1.1 * 2 * 4.8e-5);
  CHECK(error("two_shot", 16) < 1.1 * 2 * 4.8e-5);
  CHECK(error("ring", 16) > 3 * error("two_shot", 16));
}

TEST_CASE("sums of more ranks than a codec adds at once are exact too") {
  CHECK(sums_integers({.topology = Topology::uniform(131, 1),
                       .elements = 2 * 256,
                       .encoding = encoding(quant8::Format::fp32)}));
}

TEST_CASE("the bytes sent are those that the plan says") {
  for (LocalSettings settings : all_allreduces(quant8::Format::dynamic_tree8)) {
    settings.elements = 5003;
    settings.segment = 512;
    LocalJob job(settings);
    job.run(0);
    for (int rank = 0; rank < job.ranks(); ++rank)
      CHECK(job.network().bytes_sent[static_cast<std::size_t>(rank)] == job.executor(rank).wire_bytes());
  }
}

TEST_CASE("error feedback loses nothing: what was not sent is in the residuals") {
  LocalJob job({.topology = Topology::uniform(3, 1),
                .elements = 1500,
                .encoding = encoding(quant8::Format::one_bit),
                .has_residual = true});
  std::vector<double> given(1500), received(1500);
  for (std::int64_t step = 0; step < 20; ++step) {
    fill_with_noise(job, static_cast<unsigned>(step));
    const std::vector<double> exact = exact_sums(job);
    job.run(step);
    for (std::size_t i = 0; i < given.size(); ++i) {
      given[i] += exact[i];
      received[i] += static_cast<double>(job.values(0)[i]);
    }
  }
  double largest = 0;
  for (std::size_t i = 0; i < given.size(); ++i) {
    double kept = 0;
    for (int rank = 0; rank < job.ranks(); ++rank) kept += static_cast<double>(job.residual(rank)[i]);
    largest = std::max(largest, std::abs(given[i] - received[i] - kept));
  }
  CHECK(largest < 1e-4);
}

TEST_CASE("stochastic rounding gives the same sums whatever the segments") {
  std::vector<std::vector<float>> results;
  for (const std::int64_t segment : {256, 512, 4096}) {
    LocalJob job({.topology = Topology::uniform(2, 2),
                  .elements = 3000,
                  .encoding = encoding(quant8::Format::linear4),
                  .rounding = quant8::Rounding::stochastic,
                  .segment = segment});
    fill_with_noise(job, 2);
    job.run(4);
    CHECK(job.replicas_are_equal());
    results.emplace_back(job.values(0).begin(), job.values(0).end());
  }
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);
}

TEST_CASE("a NaN on one rank is NaN in its block on every rank, and nowhere else") {
  LocalJob job({.topology = Topology::uniform(3, 1),
                .elements = 1024,
                .encoding = encoding(quant8::Format::dynamic_tree8)});
  fill_with_noise(job, 1);
  job.values(1)[300] = std::numeric_limits<float>::infinity();
  job.run(0);
  CHECK(job.replicas_are_equal());
  for (std::size_t i = 0; const float value : job.values(2)) CHECK(std::isnan(value) == (i++ / 256 == 1));
}

TEST_CASE("a segment of another step, or with a damaged header, ends the job with both sides named") {
  LocalSettings settings{.topology = Topology::uniform(2, 1),
                         .elements = 512,
                         .encoding = {quant8::Format::linear8, quant8::Scaling::block, false}};
  const auto complaint = [&](std::size_t byte, unsigned bit) -> std::string {
    LocalJob job(settings);
    fill_with_noise(job, 1);
    job.network().tamper = [=](int, int, std::span<std::byte> bytes) {
      bytes[byte] ^= static_cast<std::byte>(1U << bit);
    };
    try {
      job.run(0);
    } catch (const base::DataError& error) {
      return error.what();
    }
    return "none";
  };
  for (const std::size_t byte : {0, 1, 2, 3, 4, 6, 8}) {
    INFO("byte " << byte << ": " << complaint(byte, 2));
    CHECK(complaint(byte, 2).find("rank 1") != std::string::npos);
    CHECK(complaint(byte, 2).find("rank 0") != std::string::npos);
  }
  CHECK(complaint(100, 0) == "none");
}

TEST_CASE("one bit of a message flipped on its way is found by the receiver, who names where it came from") {
  std::mt19937 random(7);
  for (const std::string_view algorithm : {"two_shot", "ring", "hierarchical"}) {
    for (int trial = 0; trial < 40; ++trial) {
      LocalJob job({.algorithm = algorithm,
                    .topology = Topology::uniform(2, 2),
                    .elements = 4096,
                    .encoding = {quant8::Format::dynamic_tree8, quant8::Scaling::block, true},
                    .longest_delay = 3,
                    .seed = static_cast<unsigned>(random())});
      fill_with_noise(job, 1);
      auto countdown = static_cast<int>(random() % 12);
      std::string sender = "nobody";
      job.network().tamper = [&](int from, int, std::span<std::byte> bytes) {
        if (countdown-- != 0) return;
        const std::size_t at = sizeof(quant8::Header) + random() % (bytes.size() - sizeof(quant8::Header));
        bytes[at] ^= static_cast<std::byte>(1U << random() % 8);
        sender = "from rank " + std::to_string(from);
      };
      std::string found = "nothing";
      try {
        job.run(11);
      } catch (const base::DivergenceError& error) {
        found = error.what();
      }
      CAPTURE(algorithm, trial, found);
      CHECK(found.starts_with("exchange of step 12, bucket 3, segment "));
      CHECK(found.find(sender) != std::string::npos);
    }
  }
}

TEST_CASE("a segment in the place of another is found by its header") {
  LocalJob job(
      {.topology = Topology::uniform(2, 1), .elements = 1024, .encoding = encoding(quant8::Format::linear8)});
  fill_with_noise(job, 1);
  std::vector<std::byte> first;
  job.network().tamper = [&](int from, int, std::span<std::byte> bytes) {
    if (from != 0) return;
    if (first.empty()) first.assign(bytes.begin(), bytes.end());
    std::ranges::copy(first, bytes.begin());  // sent again in place of all others
  };
  CHECK_THROWS_AS(job.run(0), base::DataError);
}
