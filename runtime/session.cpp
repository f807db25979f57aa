#include "runtime/session.hpp"

#include "kernels/base/error.hpp"

#include <algorithm>
#include <utility>

namespace eightfold::runtime {
namespace {

kernels::Shape tensor_shape(const data::SampleShape& sample) {
  return {sample.height, sample.width, sample.channels};
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

Session::Session(config::JobConfig config, data::Split data, const RankPlace& place)
    : config_(std::move(config)),
      data_(std::move(data)),
      place_(place),
      plan_(deal_out(config_.job, data_.train->size(), place.ranks)),
      stream_(place.device),
      model_(config_.model, place.device, tensor_shape(data_.train->sample_shape()),
             static_cast<int>(data_.train->classes()), plan_.pass_rows()),
      optimizer_(config_.optimizer, model_.weights(), model_.gradients()),
      snapshot_(model_, optimizer_),
      feed_(place.device, data::normalization(*data_.train), tensor_shape(data_.train->sample_shape()),
            plan_.pass_rows()) {}

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

void Session::restore(comm::Communicator& communicator, const checkpoint::Found& found) {
  comm::run_agreed(communicator, [&] {
    if (place_.rank == 0) snapshot_.read(found);
  });
  snapshot_.broadcast(communicator, 0);
  snapshot_.store_to_device(stream_);
}

void Session::restore_weights(comm::Communicator& communicator, const checkpoint::Found& found) {
  comm::run_agreed(communicator, [&] {
    if (place_.rank == 0) snapshot_.read_weights(found);
  });
  snapshot_.broadcast(communicator, 0);
  snapshot_.store_to_device(stream_);
}

}  // namespace eightfold::runtime
