#include "runtime/run/session.hpp"

#include "kernels/base/counted.hpp"
#include "kernels/base/error.hpp"
#include "kernels/base/hash.hpp"
#include "runtime/checkpoint/data_file.hpp"
#include "runtime/data/registry.hpp"
#include "runtime/run/residuals.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

namespace eightfold::runtime::run {
namespace {

kernels::Shape tensor_shape(const data::SampleShape& sample) {
  return {sample.height, sample.width, sample.channels};
}

// How many outputs the network must have to be trained; 0: any number. Of IDX files only the labels are
// known, and the largest class may have no sample.
int required_outputs(std::string_view kind, const data::Split& data) {
  const bool are_known = data.train != nullptr && data::find_data_kind(kind).traits.has_these_classes;
  return are_known ? static_cast<int>(data.train->classes()) : 0;
}

kernels::Buffer<float> make_residual(const config::Exchange& exchange, kernels::Tensor gradients, int ranks) {
  if (ranks == 1 || !has_error_feedback(exchange)) return {};
  return {gradients.device(), static_cast<std::size_t>(gradients.elements())};
}

}  // namespace

data::BatchPlan partition(const config::Job& job, std::int64_t samples, int ranks) {
  const data::BatchPlan plan{samples, job.global_batch, ranks, job.micro_batch};
  if (const std::int64_t batch = std::min(job.global_batch, samples); ranks > batch)
    base::raise<base::ConfigError>(
        "job.global_batch: {} cannot be shared by {}; at least one per rank is needed",
        base::counted(batch, "sample"), base::counted(ranks, "rank"));
  return plan;
}

bool has_error_feedback(const config::Exchange& exchange) {
  if (exchange.error_feedback == config::ErrorFeedback::automatic) return quant8::bits_of(exchange.codec) < 8;
  return exchange.error_feedback == config::ErrorFeedback::on;
}

Session::Session(config::JobConfig config, data::Split data, const RankPlace& place)
    : Session(std::move(config), data, data::training_facts(*data.train), place) {
  data::require_labels_below(*data_.train, model_.outputs());
}

Session::Session(config::JobConfig config, data::Split data, data::TrainingFacts facts,
                 const RankPlace& place)
    : config_(std::move(config)),
      data_(std::move(data)),
      facts_(std::move(facts)),
      place_(place),
      plan_(partition(config_.job, facts_.samples, place.ranks)),
      stream_(place.device),
      model_(config_.model, place.device, tensor_shape(facts_.shape),
             required_outputs(config_.data.kind, data_), plan_.pass_rows()),
      optimizer_(config_.optimizer, model_.weights(), model_.gradients()),
      guard_(config_.guard, place.device),
      buckets_(model::cut_buckets(model_.gradients().elements(), config_.exchange.bucket)),
      residual_(make_residual(config_.exchange, model_.gradients(), place.ranks)),
      snapshot_(make_snapshot(Snapshot::Copies::of_device_arenas)),
      input_stage_(make_input_stage()) {
  data::require_labels_below(*data_.test, model_.outputs());
}

data::InputStage Session::make_input_stage() const {
  return {place_.device, data::normalization(facts_.bytes), tensor_shape(facts_.shape), plan_.pass_rows()};
}

Snapshot Session::make_snapshot(Snapshot::Copies copies) const {
  Snapshot snapshot(model_, optimizer_, copies);
  if (!guard_.norms().is_absent()) snapshot.include("guard.norms", guard_.norms());
  return snapshot;
}

config::RunLength Session::length() const {
  const std::int64_t per_epoch = plan_.steps_per_epoch();
  const std::int64_t steps = config_.job.epochs * per_epoch;
  return {per_epoch, config_.job.steps > 0 ? std::min(config_.job.steps, steps) : steps};
}

void Session::initialize(comm::mpi::Communicator& communicator) {
  // One rank draws and all get its bits. Replicas are then equal whatever libraries or devices the ranks
  // have.
  if (place_.rank == 0) {
    model_.initialize(config_.job.seed, stream_);
    snapshot_.load_from_device(stream_);
  }
  snapshot_.broadcast(communicator, 0);
  snapshot_.store_to_device(stream_);
}

void Session::restore(comm::mpi::Communicator& communicator, const checkpoint::Found& found, Restored what) {
  comm::mpi::run_agreed(communicator, [&] {
    if (place_.rank != 0) return;
    what == Restored::everything ? snapshot_.read(found) : snapshot_.read_weights(found);
  });
  snapshot_.broadcast(communicator, 0);
  snapshot_.store_to_device(stream_);
  if (what != Restored::everything) return;
  restore_residuals(communicator, stream_, residual(), found);
  if (const auto facts = share_training_facts(communicator, found)) {
    base::require(facts->shape == facts_.shape, "a checkpoint of other samples is restored");
    // Mean and deviation belong to the weights. Count and fingerprint remain those of the samples that this
    // run trains on.
    facts_.bytes = facts->bytes;
    input_stage_ = make_input_stage();
  }
}

std::uint64_t Session::data_fingerprint() const {
  const std::string both =
      fmt::format("{} {}", checkpoint::data_text(facts_), data::fingerprint(*data_.test));
  return base::hash64(std::span<const char>(both));
}

}  // namespace eightfold::runtime::run
