#pragma once

// One shard of a bucket as this rank works on it: what the stages of its pipeline share.

#include "comm/engine/bucket_operation.hpp"
#include "comm/engine/spans.hpp"
#include "comm/transport/message_lane.hpp"
#include "kernels/timeline.hpp"
#include "quant8/codec.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace eightfold::comm::executor {

// Shared by all shards of a bucket on a rank. References outlive the bucket's executor.
struct BucketContext {
  const quant8::Codec& codec;
  transport::Transport& transport;
  transport::Staging& staging;
  kernels::StreamView stream;  // on which the codec runs
  kernels::Timeline* timeline = nullptr;
  int rank = 0;
  std::int64_t segment = 0;      // elements; a multiple of the block
  std::size_t window = 0;        // segments of a shard that may be on their way between two ranks
  quant8::RoundingKey rounding;  // its stage, rank and first element are the stages' to fill in
  engine::BucketRun run = {};    // the one that is under way

  template <class Work>
  void timed(std::string_view name, const Work& work) const {
    if (timeline == nullptr)
      work();
    else
      timeline->span(name, rounding.bucket, work);
  }
};

class ShardPart {
 public:
  // Elements [first, first + elements) of the bucket.
  ShardPart(const BucketContext& bucket, std::int64_t first, std::int64_t elements)
      : bucket_(bucket), first_(first), elements_(elements) {}

  const BucketContext& bucket() const noexcept { return bucket_; }
  std::int64_t elements() const noexcept { return elements_; }
  std::int64_t segments() const noexcept { return (elements() + bucket_.segment - 1) / bucket_.segment; }
  std::int64_t elements(std::int64_t segment) const {
    return std::min(bucket_.segment, elements_ - segment * bucket_.segment);
  }
  std::size_t bytes(std::int64_t segment) const { return bucket_.codec.wire_bytes(elements(segment)); }

  // Of the run that is under way: what the rank has of a segment at first, and what it has then.
  std::span<const float> input(std::int64_t segment) const { return cut(input_, segment); }
  std::span<float> output(std::int64_t segment) const { return cut(output_, segment); }
  // Empty without error feedback.
  std::span<float> residual(std::int64_t segment) const {
    return residual_.empty() ? residual_ : cut(residual_, segment);
  }

  // Another run begins, the bucket's.
  void begin() {
    const auto first = static_cast<std::size_t>(first_), count = static_cast<std::size_t>(elements_);
    input_ = bucket_.run.input.span<float>().subspan(first, count);
    output_ = bucket_.run.output.span<float>().subspan(first, count);
    residual_ = {};
    if (!bucket_.run.residual.is_absent())
      residual_ = bucket_.run.residual.span<float>().subspan(first, count);
  }

  // For every segment's header: the low bits of step and segment.
  std::uint16_t sequence(std::int64_t segment) const {
    return static_cast<std::uint16_t>((bucket_.run.step & 0xFF) << 8 | (segment & 0xFF));
  }
  // `rank` for a contribution's first encoding, RoundingKey::kNoRank for sums.
  quant8::Stamp stamp(std::int64_t segment, std::uint32_t stage, int rank) const {
    quant8::Stamp stamp{sequence(segment), bucket_.rounding};
    stamp.rounding.step = static_cast<std::uint32_t>(bucket_.run.step);
    stamp.rounding.stage = stage;
    stamp.rounding.rank = rank;
    stamp.rounding.first = static_cast<std::uint64_t>(first_ + segment * bucket_.segment);
    return stamp;
  }

 private:
  template <class Value>
  std::span<Value> cut(std::span<Value> all, std::int64_t segment) const {
    return all.subspan(static_cast<std::size_t>(segment * bucket_.segment),
                       static_cast<std::size_t>(elements(segment)));
  }

  const BucketContext& bucket_;
  std::int64_t first_;
  std::int64_t elements_;
  std::span<const float> input_;
  std::span<float> output_;
  std::span<float> residual_;
};

}  // namespace eightfold::comm::executor
