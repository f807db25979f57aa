#include "quant8/host/block_sum.hpp"

#include "quant8/host/planes.hpp"

#include <algorithm>

namespace eightfold::quant8::host {
namespace {

using Values = std::span<const float>;
using Segment = std::span<const std::byte>;

}  // namespace

const float* BlockSum::values(std::int64_t block, BlockValues& space) const {
  if (is_plain()) return std::get<Values>(sum_.contributions.front()).data() + block * kBlock;
  start(sum_.contributions.front(), block, space);
  for (const Contribution& contribution : sum_.contributions.subspan(1)) add(contribution, block, space);
  const std::int64_t n = block_size(block, sum_.elements);
  if (sum_.factor != 1)
    for (std::int64_t i = 0; i < n; ++i) space[static_cast<std::size_t>(i)] *= sum_.factor;
  if (!residual_.empty()) add(residual_, block, space);
  return space.data();
}

bool BlockSum::is_plain() const {
  return sum_.contributions.size() == 1 && std::holds_alternative<Values>(sum_.contributions.front()) &&
         sum_.factor == 1 && residual_.empty();
}

void BlockSum::start(const Contribution& contribution, std::int64_t block, BlockValues& space) const {
  const std::int64_t n = block_size(block, sum_.elements);
  if (const auto* values = std::get_if<Values>(&contribution)) {
    std::copy_n(values->data() + block * kBlock, n, space.data());
    return;
  }
  const ConstPlanes planes(encoding_, std::get<Segment>(contribution), sum_.elements);
  coder_.decode(planes.codes(block), n, planes.scale(block), space.data(), Store::cached);
}

void BlockSum::add(const Contribution& contribution, std::int64_t block, BlockValues& space) const {
  const std::int64_t n = block_size(block, sum_.elements);
  if (const auto* values = std::get_if<Values>(&contribution)) {
    const float* from = values->data() + block * kBlock;
    for (std::int64_t i = 0; i < n; ++i) space[static_cast<std::size_t>(i)] += from[i];
    return;
  }
  const ConstPlanes planes(encoding_, std::get<Segment>(contribution), sum_.elements);
  coder_.decode_add(planes.codes(block), n, planes.scale(block), space.data());
}

}  // namespace eightfold::quant8::host
