#pragma once

// A job planned for one rank: data, network, optimizer and every buffer, ready to train or to evaluate.

#include "comm/mpi/communicator.hpp"
#include "kernels/stream.hpp"
#include "runtime/config/job.hpp"
#include "runtime/data/batch_plan.hpp"
#include "runtime/data/input_stage.hpp"
#include "runtime/data/source.hpp"
#include "runtime/data/training_facts.hpp"
#include "runtime/model/arena.hpp"
#include "runtime/model/model.hpp"
#include "runtime/optim/guard.hpp"
#include "runtime/optim/optimizer.hpp"
#include "runtime/optim/schedule.hpp"
#include "runtime/run/snapshot.hpp"

#include <cstdint>
#include <vector>

namespace eightfold::runtime::run {

// The rank's number, the number of ranks, and the rank's device.
struct RankPlace {
  int rank = 0;
  int ranks = 1;
  kernels::Device device;
};

// Evaluation needs the weights only; training needs the state of the optimizer, too.
enum class Restored { everything, weights };

class Session {
 public:
  // Throws ConfigError when a batch has fewer samples than ranks or the layers do not fit together. Throws
  // DataError when a label is none of the network's outputs. Not collective; the weights are zeros until
  // initialize() or restore().
  Session(config::JobConfig config, data::Split data, const RankPlace& place);
  // For evaluation alone. `facts` describe the samples that the network was trained on; `data` needs no
  // training part.
  Session(config::JobConfig config, data::Split data, data::TrainingFacts facts, const RankPlace& place);
  Session(const Session&) = delete;  // its members refer to each other
  Session& operator=(const Session&) = delete;

  const config::JobConfig& config() const noexcept { return config_; }
  const data::Split& data() const noexcept { return data_; }
  // The statistics of the training data, as checkpoints have them. After a restore of everything, mean and
  // deviation are the checkpoint's.
  const data::TrainingFacts& facts() const noexcept { return facts_; }
  const RankPlace& place() const noexcept { return place_; }
  // The partition of training samples into steps, ranks and passes.
  const data::BatchPlan& plan() const noexcept { return plan_; }
  config::RunLength length() const;
  kernels::StreamView stream() const noexcept { return stream_; }
  model::Model& model() noexcept { return model_; }
  const model::Model& model() const noexcept { return model_; }
  optim::Optimizer& optimizer() noexcept { return optimizer_; }
  optim::Guard& guard() noexcept { return guard_; }
  // The spans of the gradients that are exchanged as one operation, in the order in which they complete.
  const std::vector<model::ArenaSpan>& buckets() const noexcept { return buckets_; }
  // The residual of this rank's error feedback: the part of its gradients that encodings have lost so far.
  // Absent without error feedback, and on one rank alone.
  kernels::Tensor residual() const { return residual_.size() > 0 ? residual_.tensor() : kernels::Tensor(); }
  Snapshot& snapshot() noexcept { return snapshot_; }
  // Another snapshot of the same state, which must not outlive this.
  Snapshot make_snapshot(Snapshot::Copies copies) const;
  data::InputStage& input_stage() noexcept { return input_stage_; }

  // Rank 0 draws the initial weights from the seed, everybody gets them. Collective.
  void initialize(comm::mpi::Communicator& communicator);
  // Rank 0 reads a checkpoint, everybody gets it, or of the residuals its own. Collective; a checkpoint that
  // is damaged or of another model is an AgreedError. Requires: the checkpoint's samples have the shape of
  // this job's.
  void restore(comm::mpi::Communicator& communicator, const checkpoint::Found& found, Restored what);
  // The same number on ranks that hold the same data.
  std::uint64_t data_fingerprint() const;

 private:
  data::InputStage make_input_stage() const;

  config::JobConfig config_;
  data::Split data_;
  data::TrainingFacts facts_;
  RankPlace place_;
  data::BatchPlan plan_;
  kernels::Stream stream_;
  model::Model model_;
  optim::Optimizer optimizer_;
  optim::Guard guard_;
  std::vector<model::ArenaSpan> buckets_;
  kernels::Buffer<float> residual_;
  Snapshot snapshot_;
  data::InputStage input_stage_;
};

// True if the job uses error feedback. Automatic means: with codecs of less than 8 bits.
bool has_error_feedback(const config::Exchange& exchange);

// Partitions the global batch over the ranks. Throws ConfigError when there are more ranks than samples in
// it.
data::BatchPlan partition(const config::Job& job, std::int64_t samples, int ranks);

}  // namespace eightfold::runtime::run
