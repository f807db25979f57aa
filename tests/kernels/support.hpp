#pragma once

// The common part of the tests of operations: host tensors with contents, and the host stream.

#include "kernels/buffer.hpp"
#include "kernels/host_threads.hpp"
#include "kernels/random.hpp"
#include "kernels/stream.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace eightfold::kernels::testing {

inline const Device kHost{};

inline StreamView host_stream() {
  return {kHost, nullptr};
}

// A tensor that owns its elements.
template <class Value>
class Array {
 public:
  Array(const Shape& shape, Value value = {})
      : shape_(shape), values_(static_cast<std::size_t>(shape.elements()), value) {}
  Array(const Shape& shape, std::vector<Value> values) : shape_(shape), values_(std::move(values)) {}

  Tensor tensor() { return host_tensor(std::span<Value>(values_), shape_); }
  operator Tensor() { return tensor(); }       // NOLINT(google-explicit-constructor): reads like a tensor
  operator ConstTensor() { return tensor(); }  // NOLINT(google-explicit-constructor)
  std::vector<Value>& values() { return values_; }
  const std::vector<Value>& values() const { return values_; }
  std::size_t size() const { return values_.size(); }
  Value& operator[](std::int64_t i) { return values_[static_cast<std::size_t>(i)]; }
  Value operator[](std::int64_t i) const { return values_[static_cast<std::size_t>(i)]; }

 private:
  Shape shape_;
  std::vector<Value> values_;
};
using Floats = Array<float>;

// Uniform in [-1, 1), a different sequence for each `tensor`.
inline Floats random_floats(const Shape& shape, std::uint32_t tensor) {
  Floats result(shape);
  for (std::int64_t i = 0; i < shape.elements(); ++i)
    result[i] = 2 * uniform_from(random_word(RandomKey{7, 0, tensor}, static_cast<std::uint64_t>(i))) - 1;
  return result;
}

// The largest difference of corresponding elements; NaN if there is one anywhere.
template <class Expected>
double largest_difference(const Floats& a, const Expected& b) {
  double largest = 0;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(a.size()); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!(difference <= largest)) largest = difference;
    if (std::isnan(difference)) break;
  }
  return largest;
}

// Runs `body` with a number of host threads and puts the old number back.
template <class Body>
void with_threads(int count, const Body& body) {
  const int before = host_threads();
  set_host_threads(count);
  body();
  set_host_threads(before);
}

}  // namespace eightfold::kernels::testing
