#include "tests/comm/executor/local_job.hpp"

#include "kernels/base/error.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace eightfold::test {
namespace {

// Absent without values.
kernels::Tensor tensor_of(std::span<float> values) {
  if (values.empty()) return {};
  return kernels::host_tensor(values, kernels::Shape{static_cast<std::int64_t>(values.size())});
}

}  // namespace

LocalJob::LocalJob(const LocalSettings& settings)
    : network_(settings.topology.ranks(), settings.longest_delay, settings.seed), turns_(settings.seed) {
  for (int rank = 0; rank < settings.topology.ranks(); ++rank)
    ranks_.push_back(std::make_unique<Rank>(settings, network_, rank));
}

LocalJob::Rank::Rank(const LocalSettings& settings, LocalNetwork& network, int rank)
    : values(static_cast<std::size_t>(settings.elements)),
      residual(settings.has_residual ? values.size() : 0),
      codec(quant8::make_codec(kernels::Device{}, settings.encoding, settings.rounding)),
      transport(network.transport(rank)),
      stream(kernels::Device{}),
      staging(kernels::Device{}, comm::transport::TransportKind::staged) {
  const comm::executor::BucketContext context{.codec = *codec,
                                              .transport = *transport,
                                              .staging = staging,
                                              .stream = stream,
                                              .rank = rank,
                                              .segment = settings.segment,
                                              .window = settings.window,
                                              .rounding = {.seed = 7, .bucket = 3}};
  const comm::schedules::Generator& generator = *comm::schedules::find_generator(settings.algorithm);
  comm::schedules::Schedule schedule = generator.schedule({settings.topology, rank, settings.elements});
  std::mt19937 random(settings.seed + static_cast<unsigned>(rank));
  if (settings.shuffles_steps)
    for (comm::schedules::Round& round : schedule.rounds) std::ranges::shuffle(round, random);
  executor = std::make_unique<comm::executor::Executor>(schedule, context);
}

void LocalJob::run(std::int64_t step) {
  std::vector<std::size_t> at_work(ranks_.size());
  std::iota(at_work.begin(), at_work.end(), std::size_t{0});
  for (const auto& rank : ranks_) {
    const kernels::Tensor values = tensor_of(rank->values), residual = tensor_of(rank->residual);
    rank->executor->begin({.step = step, .input = values, .output = values, .residual = residual});
  }
  constexpr int kPatience = 10'000;
  for (int idle = 0; !at_work.empty(); ++idle) {
    base::require(idle < kPatience, "{} of {} ranks wait for each other", at_work.size(), ranks_.size());
    std::ranges::shuffle(at_work, turns_);
    std::erase_if(at_work, [&](std::size_t rank) {
      const comm::engine::Progress progress = ranks_[rank]->executor->advance();
      if (progress != comm::engine::Progress::none) idle = 0;
      return progress == comm::engine::Progress::over;
    });
  }
}

bool LocalJob::replicas_are_equal() const {
  const std::vector<float>& first = ranks_.front()->values;
  return std::ranges::all_of(ranks_, [&](const auto& rank) {
    return std::memcmp(rank->values.data(), first.data(), first.size() * sizeof(float)) == 0;
  });
}

}  // namespace eightfold::test
