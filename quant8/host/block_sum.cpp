#include "quant8/host/block_sum.hpp"

#include <algorithm>

namespace eightfold::quant8::host {
namespace {

using Values = std::span<const float>;
using Segment = std::span<const std::byte>;

}  // namespace

BlockSum::BlockSum(const BlockCoder& coder, const Encoding& encoding, const Sum& sum,
                   std::span<const float> residual, Use use)
    : coder_(coder),
      sum_(sum),
      residual_(residual),
      shows_nan_(use == Use::values || !has_scales(encoding.format)) {
  for (std::size_t i = 0; i < sum.contributions.size(); ++i)
    if (const auto* segment = std::get_if<Segment>(&sum.contributions[i]))
      planes_[i].emplace(encoding, *segment, sum.elements);
  if (!planes_[0] && !computes()) plain_ = values_of(0);
}

const float* BlockSum::summed(std::int64_t block, BlockValues& space) const {
  start(block, space);
  for (std::size_t i = 1; i < sum_.contributions.size();) {
    if (planes_[i])
      i = add_encoded(i, block, space);
    else
      add(values_of(i++), block, space);
  }
  const std::int64_t n = block_size(block, sum_.elements);
  if (sum_.factor != 1)
    for (std::int64_t i = 0; i < n; ++i) space[static_cast<std::size_t>(i)] *= sum_.factor;
  if (!residual_.empty()) add(residual_.data(), block, space);
  if (shows_nan_ && computes()) make_canonical(space.data(), n);
  return space.data();
}

// Whether anything is added or multiplied.
bool BlockSum::computes() const {
  return sum_.contributions.size() > 1 || sum_.factor != 1 || !residual_.empty();
}

const float* BlockSum::values_of(std::size_t contribution) const {
  return std::get<Values>(sum_.contributions[contribution]).data();
}

void BlockSum::start(std::int64_t block, BlockValues& space) const {
  const std::int64_t n = block_size(block, sum_.elements);
  if (planes_[0])
    coder_.decode(planes_[0]->encoded(block), n, space.data(), Store::cached);
  else
    std::copy_n(values_of(0) + block * kBlock, n, space.data());
}

// All encoded contributions in a row, from `first` on; returns the one behind them.
std::size_t BlockSum::add_encoded(std::size_t first, std::int64_t block, BlockValues& space) const {
  std::array<EncodedBlock, kMaxContributions> blocks;
  std::size_t count = 0;
  while (first + count < sum_.contributions.size() && planes_[first + count]) {
    blocks[count] = planes_[first + count]->encoded(block);
    ++count;
  }
  // Together, because vector loops then keep the sum in registers.
  coder_.decode_add(std::span(blocks).first(count), block_size(block, sum_.elements), space.data());
  return first + count;
}

void BlockSum::add(const float* values, std::int64_t block, BlockValues& space) const {
  const float* from = values + block * kBlock;
  const std::int64_t n = block_size(block, sum_.elements);
  for (std::int64_t i = 0; i < n; ++i) space[static_cast<std::size_t>(i)] += from[i];
}

}  // namespace eightfold::quant8::host
