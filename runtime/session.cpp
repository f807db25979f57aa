#include "runtime/session.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/hash.hpp"
#include "runtime/residuals.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace eightfold::runtime {
namespace {

// Of each part, evenly spread: enough to tell another file, a shuffled one or other labels.
constexpr std::int64_t kFingerprintSamples = 256;

kernels::Shape tensor_shape(const data::SampleShape& sample) {
  return {sample.height, sample.width, sample.channels};
}

kernels::Buffer<float> make_residual(const config::Exchange& exchange, kernels::Tensor gradients, int ranks) {
  if (ranks == 1 || !has_error_feedback(exchange)) return {};
  return {gradients.device(), static_cast<std::size_t>(gradients.elements())};
}

}  // namespace

data::BatchPlan deal_out(const config::Job& job, std::int64_t samples, int ranks) {
  const data::BatchPlan plan{samples, job.global_batch, ranks, job.micro_batch};
  if (const std::int64_t batch = std::min(job.global_batch, samples); ranks > batch)
    base::raise<base::ConfigError>(
        "job.global_batch: {} samples cannot be shared by {} ranks; at least one per rank is "
        "needed",
        batch, ranks);
  return plan;
}

bool has_error_feedback(const config::Exchange& exchange) {
  if (exchange.error_feedback == config::ErrorFeedback::automatic) return quant8::bits_of(exchange.codec) < 8;
  return exchange.error_feedback == config::ErrorFeedback::on;
}

Session::Session(config::JobConfig config, data::Split data, const RankPlace& place)
    : config_(std::move(config)),
      data_(std::move(data)),
      place_(place),
      plan_(deal_out(config_.job, data_.train->size(), place.ranks)),
      stream_(place.device),
      model_(config_.model, place.device, tensor_shape(data_.train->sample_shape()),
             static_cast<int>(data_.train->classes()), plan_.pass_rows()),
      optimizer_(config_.optimizer, model_.weights(), model_.gradients()),
      guard_(config_.guard, place.device),
      buckets_(model::cut_buckets(model_.gradients().elements(), config_.exchange.bucket)),
      residual_(make_residual(config_.exchange, model_.gradients(), place.ranks)),
      snapshot_(make_snapshot(Snapshot::Copies::of_device_arenas)),
      feed_(place.device, data::normalization(*data_.train), tensor_shape(data_.train->sample_shape()),
            plan_.pass_rows()) {}

Snapshot Session::make_snapshot(Snapshot::Copies copies) const {
  Snapshot snapshot(model_, optimizer_, copies);
  if (!guard_.norms().is_absent()) snapshot.include("guard.norms", guard_.norms());
  return snapshot;
}

RunLength Session::length() const {
  const std::int64_t per_epoch = plan_.steps_per_epoch();
  const std::int64_t steps = config_.job.epochs * per_epoch;
  return {per_epoch, config_.job.steps > 0 ? std::min(config_.job.steps, steps) : steps};
}

void Session::initialize(comm::Communicator& communicator) {
  if (place_.rank == 0) {
    model_.initialize(config_.job.seed, stream_);
    snapshot_.load_from_device(stream_);
  }
  snapshot_.broadcast(communicator, 0);
  snapshot_.store_to_device(stream_);
}

void Session::restore(comm::Communicator& communicator, const checkpoint::Found& found, Restored what) {
  comm::run_agreed(communicator, [&] {
    if (place_.rank != 0) return;
    what == Restored::everything ? snapshot_.read(found) : snapshot_.read_weights(found);
  });
  snapshot_.broadcast(communicator, 0);
  snapshot_.store_to_device(stream_);
  if (what == Restored::everything) restore_residuals(communicator, stream_, residual(), found);
}

std::uint64_t Session::data_fingerprint() const {
  std::vector<std::uint64_t> parts;
  for (const auto& source : {data_.train, data_.test}) {
    const data::SampleShape shape = source->sample_shape();
    for (const std::int64_t number :
         {source->size(), shape.height, shape.width, shape.channels, source->classes()})
      parts.push_back(static_cast<std::uint64_t>(number));
    std::vector<std::uint8_t> image(static_cast<std::size_t>(shape.bytes()));
    const std::int64_t stride = std::max<std::int64_t>(1, source->size() / kFingerprintSamples);
    for (std::int64_t index = 0; index < source->size(); index += stride) {
      std::int32_t label = 0;
      source->read(index, image, label);
      parts.push_back(base::hash64(std::span<const std::uint8_t>(image)) + static_cast<std::uint64_t>(label));
    }
  }
  return base::hash64(std::span<const std::uint64_t>(parts));
}

}  // namespace eightfold::runtime
