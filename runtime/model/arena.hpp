#pragma once

// The layout of all parameters of a model in one allocation, and of all gradients in another of the same
// layout. Tensors stand in the order in which the backward pass completes their gradients, each padded to a
// whole block. So the complete gradients are a prefix of the arena, and a bucket of the exchange is a span of
// it.

#include "kernels/tensor.hpp"
#include "quant8/format.hpp"

#include <cstdint>
#include <vector>

namespace eightfold::runtime::model {

class ArenaLayout {
 public:
  // Appends a tensor; returns the element at which it starts.
  std::int64_t append(const kernels::Shape& shape) {
    const std::int64_t offset = elements_;
    elements_ += quant8::whole_blocks(shape.elements());
    return offset;
  }
  // Elements so far, a multiple of the block.
  std::int64_t elements() const noexcept { return elements_; }

 private:
  std::int64_t elements_ = 0;
};

// A half-open range of elements of an arena.
struct ArenaSpan {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

// Cuts an arena into spans of `bucket_bytes` of fp32, rounded up to whole blocks; the last may be smaller. An
// empty arena has no buckets.
std::vector<ArenaSpan> cut_buckets(std::int64_t elements, std::uint64_t bucket_bytes);

}  // namespace eightfold::runtime::model
