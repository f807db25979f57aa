#pragma once

// One shard of a bucket as this rank works on it: what the stages of its pipeline share.

#include "comm/engine/spans.hpp"
#include "comm/transport/message_lane.hpp"
#include "kernels/timeline.hpp"
#include "quant8/codec.hpp"

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
  std::int64_t step = 0;         // of the training

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
  // `values` and `residual` (empty: none) are the shard's; `first` is its first element within the bucket.
  ShardPart(const BucketContext& bucket, std::span<float> values, std::span<float> residual,
            std::int64_t first)
      : bucket_(bucket), values_(values), residual_(residual), first_(first) {}

  const BucketContext& bucket() const noexcept { return bucket_; }
  std::int64_t elements() const noexcept { return static_cast<std::int64_t>(values_.size()); }
  std::int64_t segments() const noexcept { return (elements() + bucket_.segment - 1) / bucket_.segment; }
  std::span<float> values(std::int64_t segment) const { return cut(values_, segment); }
  std::span<float> residual(std::int64_t segment) const {
    return residual_.empty() ? residual_ : cut(residual_, segment);
  }
  std::size_t bytes(std::int64_t segment) const {
    return bucket_.codec.wire_bytes(static_cast<std::int64_t>(values(segment).size()));
  }

  // For every segment's header: the low bits of step and segment.
  std::uint16_t sequence(std::int64_t segment) const {
    return static_cast<std::uint16_t>((bucket_.step & 0xFF) << 8 | (segment & 0xFF));
  }
  // `rank` for a contribution's first encoding, RoundingKey::kNoRank for sums.
  quant8::Stamp stamp(std::int64_t segment, std::uint32_t stage, int rank) const {
    quant8::Stamp stamp{sequence(segment), bucket_.rounding};
    stamp.rounding.step = static_cast<std::uint32_t>(bucket_.step);
    stamp.rounding.stage = stage;
    stamp.rounding.rank = rank;
    stamp.rounding.first = static_cast<std::uint64_t>(first_ + segment * bucket_.segment);
    return stamp;
  }

 private:
  std::span<float> cut(std::span<float> all, std::int64_t segment) const {
    const auto begin = static_cast<std::size_t>(segment * bucket_.segment);
    return all.subspan(begin, std::min(static_cast<std::size_t>(bucket_.segment), all.size() - begin));
  }

  const BucketContext& bucket_;
  std::span<float> values_;
  std::span<float> residual_;
  std::int64_t first_;
};

}  // namespace eightfold::comm::executor
