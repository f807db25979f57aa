#pragma once

// Divides the samples of an epoch into steps, the steps over ranks, and a rank's local batch into passes.
// This is pure arithmetic, the same on every rank. Positions are those of the epoch's order
// (runtime/data/order.hpp), not samples.
//
// A step takes the next `global_batch` positions. The last step of an epoch takes the rest, so that an epoch
// visits each sample exactly once. A batch is cut into one contiguous local batch per rank. Sizes differ by
// one at most: 128 samples on 3 ranks are 43, 43 and 42. A local batch larger than the micro-batch is
// computed in several passes. All ranks make the same number of passes in a step, because they exchange
// gradients after the last. In a short batch some passes may be empty.
//
//   epoch        |  step 0          |  step 1          |  step 2   |    size 10, global_batch 4
//   step 0       |  rank 0 |  rank 1  |                                ranks 2, local batches of 2
//   local batch  |  pass 0 |  pass 1  |                                micro_batch 1

#include <algorithm>
#include <cstdint>

namespace eightfold::runtime::data {

// A batch: positions [first, first + samples) of an epoch.
struct Batch {
  std::int64_t epoch = 0;
  std::int64_t first = 0;
  std::int64_t samples = 0;
};

// A local batch or a pass: rows [first, first + samples) of a batch.
struct Rows {
  std::int64_t first = 0;
  std::int64_t samples = 0;

  friend bool operator==(const Rows&, const Rows&) = default;
};

struct BatchPlan {
  std::int64_t size = 0;          // samples in an epoch, at least 1
  std::int64_t global_batch = 1;  // samples in a step over all ranks, at least 1
  std::int64_t ranks = 1;         // at least 1
  std::int64_t micro_batch = 0;   // samples in a pass at most; 0: the whole local batch
  std::int64_t rows = 0;  // rows of every pass, where a network is planned already; 0: as few as serve

  std::int64_t steps_per_epoch() const { return ceiling(size, global_batch); }

  // The batch of step `step` of the job, counted from 0.
  Batch batch(std::int64_t step) const {
    const std::int64_t first = step % steps_per_epoch() * global_batch;
    return {step / steps_per_epoch(), first, std::min(global_batch, size - first)};
  }

  // The part of a batch that a rank computes; the ranks in order, the larger parts first.
  Rows local_batch(const Batch& batch, std::int64_t rank) const {
    const std::int64_t least = batch.samples / ranks;
    const std::int64_t larger = batch.samples % ranks;
    return {rank * least + std::min(rank, larger), least + (rank < larger ? 1 : 0)};
  }

  // The rows that every pass is planned for. Before planning they follow from the largest local batch of a
  // full batch, in as few equal parts as the micro-batch allows.
  std::int64_t pass_rows() const {
    if (rows > 0) return rows;
    const std::int64_t largest = largest_local_batch(std::min(global_batch, size));
    return micro_batch == 0 ? largest : ceiling(largest, ceiling(largest, micro_batch));
  }

  // The passes that every rank makes for a batch, at least 1.
  std::int64_t passes(const Batch& batch) const {
    return ceiling(largest_local_batch(batch.samples), pass_rows());
  }

  // The rows of micro-batch `index` of a local batch: at most pass_rows() rows, fewer or none in the last
  // ones.
  Rows pass(const Rows& local_batch, std::int64_t index) const {
    const std::int64_t done = std::min(index * pass_rows(), local_batch.samples);
    return {local_batch.first + done, std::min(pass_rows(), local_batch.samples - done)};
  }

 private:
  static constexpr std::int64_t ceiling(std::int64_t numerator, std::int64_t denominator) {
    return (numerator + denominator - 1) / denominator;
  }
  std::int64_t largest_local_batch(std::int64_t samples) const { return ceiling(samples, ranks); }
};

}  // namespace eightfold::runtime::data
