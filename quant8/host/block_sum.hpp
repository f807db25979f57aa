#pragma once

// The values that are encoded, block by block: a sum of contributions, scaled, plus the residual. The sum is
// not kept; a caller that needs a block twice asks twice.

#include "quant8/codec.hpp"
#include "quant8/host/block_coder.hpp"
#include "quant8/host/planes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace eightfold::quant8::host {

using BlockValues = std::array<float, static_cast<std::size_t>(kBlock)>;

// The use of the values. If a NaN makes all of its block NaN, its own bits do not matter.
enum class Use { values, codes };

class BlockSum {
 public:
  // All of them outlive this.
  BlockSum(const BlockCoder& coder, const Encoding& encoding, const Sum& sum, std::span<const float> residual,
           Use use);

  std::int64_t elements() const { return sum_.elements; }
  // Points into `space`, or to the values themselves if nothing is to be done to them.
  const float* values(std::int64_t block, BlockValues& space) const {
    return plain_ != nullptr ? plain_ + block * kBlock : summed(block, space);
  }

 private:
  const float* summed(std::int64_t block, BlockValues& space) const;
  bool computes() const;
  const float* values_of(std::size_t contribution) const;
  void start(std::int64_t block, BlockValues& space) const;
  std::size_t add_encoded(std::size_t first, std::int64_t block, BlockValues& space) const;
  void add(const float* values, std::int64_t block, BlockValues& space) const;

  const BlockCoder& coder_;
  const Sum& sum_;
  std::span<const float> residual_;
  bool shows_nan_;
  const float* plain_ = nullptr;                                      // values to which nothing is done
  std::array<std::optional<ConstPlanes>, kMaxContributions> planes_;  // of the encoded contributions
};

}  // namespace eightfold::quant8::host
