#pragma once

// Runs one rank's Schedule over a transport with a codec: the interpreter that moves bytes. A shard's
// segments pass through its steps as through a pipeline, so encoding, wire and decoding overlap
// (comm/executor/stages.cpp tells how). Sums are added in rank order, whatever arrives first.

#include "comm/engine/bucket_operation.hpp"
#include "comm/executor/shard_part.hpp"
#include "comm/schedules/schedule.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace eightfold::comm::executor {

class PipelineStage;

class Executor final : public engine::BucketOperation {
 public:
  // Runs that are under way at once between the same ranks have different channels, from 0 on.
  static constexpr int kChannels = 16;

  // Every rank has the same schedule's part, codec and segments. `context.window` is at least 1.
  Executor(const schedules::Schedule& schedule, const BucketContext& context);
  ~Executor() override;

  bool shares_engine() const override { return true; }
  void begin(const engine::BucketRun& run) override;
  engine::Progress advance(mpi::Communicator& communicator) override;
  const kernels::Event* result() const override { return is_enqueued_ ? &result_ : nullptr; }
  base::Wait waits_for() const override;
  std::size_t wire_bytes() const override { return wire_bytes_; }

  // As advance(), for a caller without an engine.
  engine::Progress advance();

 private:
  BucketContext context_;
  std::vector<std::unique_ptr<ShardPart>> shards_;
  std::vector<std::unique_ptr<PipelineStage>> stages_;  // in the order in which they are advanced
  std::size_t wire_bytes_;
  kernels::Event result_;
  bool is_enqueued_ = false;  // all of the work of this run
};

// The elements of the largest segment that takes at most so many bytes on the wire; a whole block at least.
std::int64_t segment_elements(const quant8::Codec& codec, std::size_t wire_bytes);
// Bytes on the wire of so many elements in such segments.
std::size_t segmented_bytes(const quant8::Codec& codec, std::int64_t segment, std::int64_t elements);

}  // namespace eightfold::comm::executor
