#pragma once

// The steps of a schedule as a pipeline: one stage per step of a shard, which passes its segments on in
// order. A stage does what is possible for one segment and returns; it never waits.

#include "comm/executor/shard_part.hpp"
#include "kernels/base/flight_record.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace eightfold::comm::executor {

class PipelineStage {
 public:
  explicit PipelineStage(const ShardPart& shard) : shard_(shard) {}
  virtual ~PipelineStage() = default;
  PipelineStage(const PipelineStage&) = delete;  // stages refer to each other
  PipelineStage& operator=(const PipelineStage&) = delete;

  virtual void begin() { done_ = 0; }
  // True if anything could be done.
  virtual bool advance() = 0;
  virtual bool is_over() const { return done_ == shard_.segments(); }
  // The message that it waits for, if it waits for one.
  virtual base::Wait waits_for() const { return {}; }

  // Segments that later stages of the shard may read and write.
  std::int64_t done() const noexcept { return done_; }

 protected:
  const ShardPart& shard_;
  std::int64_t done_ = 0;
};

// A place in the order of a shard's stages: those that must have done a segment before this one may.
class Predecessors {
 public:
  explicit Predecessors(std::vector<const PipelineStage*> stages) : stages_(std::move(stages)) {}
  bool have_done(std::int64_t segment) const;

 private:
  std::vector<const PipelineStage*> stages_;
};

// The peer of a stage's messages, and what they are among those of the bucket: shard and kind.
struct Route {
  int peer;
  int content;
};

// Receives segments into a lane of its own.
class Receive : public PipelineStage {
 public:
  Receive(const ShardPart& shard, Route route);

  void begin() override;
  base::Wait waits_for() const override;

 protected:
  // Asks the transport for the next segments, as far as messages are free.
  bool post();
  // True if the next segment has arrived; if so, what its header says has been checked, and its hash if it
  // has one. Throws DataError for a wrong header, DivergenceError for a wrong hash.
  bool has_arrived();
  virtual bool is_free(std::int64_t segment) const = 0;

  Route route_;
  transport::MessageLane lane_;
  std::int64_t posted_ = 0;

 private:
  void check_hash(std::span<const std::byte> bytes, std::int64_t elements) const;

  std::string sender_, receiver_;  // for messages
};

class ReceiveAdd final : public Receive {
 public:
  using Receive::Receive;

  int peer() const noexcept { return route_.peer; }
  void begin() override;
  bool advance() override;
  // The codec reads it on the bucket's stream ...
  std::span<const std::byte> message(std::int64_t segment) const;
  // ... and has been enqueued to do so for the last time. Segment by segment.
  void release(std::int64_t segment);

 private:
  bool is_free(std::int64_t segment) const override;

  std::int64_t released_ = 0;
};

// The values of a rank and what it received to be added, from the lowest rank to the highest.
class ShardSum {
 public:
  enum class Own { input, output };  // where the rank's own values stand
  ShardSum(const ShardPart& shard, Own own, std::vector<ReceiveAdd*> received);

  // Valid until the next call.
  quant8::Sum segment(std::int64_t segment, float factor = 1);
  void release(std::int64_t segment);

 private:
  const ShardPart& shard_;
  Own own_;
  std::vector<ReceiveAdd*> received_;  // by rank
  std::size_t own_place_;              // of this rank's values among them
  std::vector<quant8::Contribution> contributions_;
  kernels::Buffer<float> partial_;  // of sums with more contributions than a codec takes at once
};

// The last stage of a shard whose sum is not encoded: writes it to the output.
class SumUp final : public PipelineStage {
 public:
  SumUp(const ShardPart& shard, Predecessors before, ShardSum sum);
  bool advance() override;

 private:
  Predecessors before_;
  ShardSum sum_;
};

class SendFresh final : public PipelineStage {
 public:
  // The values to send: this rank's contribution, or a sum. `keeps_sum`: someone needs the sum later.
  struct Content {
    ShardSum sum;
    bool is_contribution;
    std::uint32_t rounding_stage;  // of a sum
    bool keeps_sum;
  };
  SendFresh(const ShardPart& shard, Predecessors before, Route route, Content content);
  void begin() override;
  bool advance() override;
  bool is_over() const override;
  base::Wait waits_for() const override;

 private:
  void encode(std::int64_t segment);

  Predecessors before_;
  Route route_;
  Content content_;
  transport::MessageLane lane_;
  std::int64_t sent_ = 0;
};

class SendSealed;

// A stage that holds the sealed bytes of a shard, for the stages that send them on.
class Sealed {
 public:
  virtual ~Sealed() = default;
  virtual std::int64_t sealed() const = 0;  // segments
  virtual transport::MessageLane& lane() = 0;
  void add_forward(const SendSealed& forward) { forwards_.push_back(&forward); }

 protected:
  // True if all forwards have sent the slot's earlier segment.
  bool has_been_forwarded(std::int64_t segment, const transport::MessageLane& lane) const;

 private:
  std::vector<const SendSealed*> forwards_;
};

class Seal final : public PipelineStage, public Sealed {
 public:
  Seal(const ShardPart& shard, Predecessors before, ShardSum sum);
  bool advance() override;
  std::int64_t sealed() const override { return done(); }
  transport::MessageLane& lane() override { return lane_; }

 private:
  Predecessors before_;
  ShardSum sum_;
  transport::MessageLane lane_;
};

class ReceiveFinal final : public Receive, public Sealed {
 public:
  ReceiveFinal(const ShardPart& shard, Predecessors before, Route route);
  bool advance() override;
  std::int64_t sealed() const override { return done(); }
  transport::MessageLane& lane() override { return lane_; }

 private:
  bool is_free(std::int64_t segment) const override;

  Predecessors before_;
};

// Does not read the values: done() stays behind nothing.
class SendSealed final : public PipelineStage {
 public:
  SendSealed(const ShardPart& shard, Route route, Sealed& source);
  bool advance() override;
  bool is_over() const override;
  base::Wait waits_for() const override;
  // True if the message that lay in this segment's place is no longer on its way.
  bool has_left_place_of(std::int64_t segment) const { return under_way(segment) == 0; }

 private:
  int under_way(std::int64_t segment) const {
    return under_way_[static_cast<std::size_t>(segment) % under_way_.size()];
  }

  Route route_;
  Sealed& source_;
  std::vector<int> under_way_;  // by place: the transport's count of the messages to this peer
};

}  // namespace eightfold::comm::executor
