#pragma once

// The common part of the tests of the CUDA backend. The host backend is tested against definitions. Here the
// same call on the same numbers must give the same on both backends, every time.

#include "tests/kernels/support.hpp"
#include "tests/support/test.hpp"

#include <bit>
#include <cstring>
#include <tuple>
#include <utility>

namespace eightfold::kernels::testing {

inline const Device kCuda{DeviceKind::cuda, 0};

// Around the width of a packet and of blocks, and more than one wave of a small device.
inline const std::vector<std::int64_t> kSizes = {0, 1, 3, 4, 7, 255, 1024, 1025, 70003};
// Elements by which tensors start past an aligned address.
inline const std::vector<std::int64_t> kOffsets = {0, 1};

// The place of a tensor in its memory: this many elements from an aligned address, and this many before the
// end. No operation may touch the room on either side. If there is none behind it, AddressSanitizer also
// finds reads there (docs/simt.md).
struct Margins {
  std::int64_t offset;
  std::size_t room;
};

// A copy of a host array on a device.
template <class Value>
class Mirror {
 public:
  Mirror(const Stream& stream, Array<Value>& source, Margins margins)
      : stream_(stream),
        shape_(source.tensor().shape()),
        offset_(margins.offset),
        room_(margins.room),
        contents_(static_cast<std::size_t>(offset_) + source.size() + room_),
        memory_(stream.view().device(), contents_.size()) {
    std::ranges::fill(bytes_of(contents_), kUntouched);
    std::copy(source.values().begin(), source.values().end(), contents_.begin() + offset_);
    copy(stream_, whole(), memory_.tensor());
  }

  Tensor tensor() const { return memory_.tensor(shape_, static_cast<std::size_t>(offset_)); }

  // The elements after everything enqueued so far.
  Array<Value> fetch() {
    std::vector<Value> before = contents_;
    copy(stream_, memory_.tensor(), whole());
    stream_.synchronize();
    const auto last = offset_ + shape_.elements();
    const auto front = static_cast<std::size_t>(offset_) * sizeof(Value);
    CHECK(std::ranges::equal(bytes_of(before).first(front), bytes_of(contents_).first(front)));
    CHECK(std::ranges::equal(bytes_of(before).last(room_ * sizeof(Value)),
                             bytes_of(contents_).last(room_ * sizeof(Value))));
    return {shape_, std::vector<Value>(contents_.begin() + offset_, contents_.begin() + last)};
  }

 private:
  static constexpr std::byte kUntouched{0x5A};

  static std::span<std::byte> bytes_of(std::vector<Value>& values) {
    return std::as_writable_bytes(std::span(values));
  }

  Tensor whole() {
    return host_tensor(std::span<Value>(contents_), Shape{static_cast<std::int64_t>(contents_.size())});
  }

  StreamView stream_;
  Shape shape_;
  std::int64_t offset_;
  std::size_t room_;
  std::vector<Value> contents_;
  Buffer<Value> memory_;
};

// body(stream, tensors...) on a device, with the tensors' contents afterwards.
template <class Body, class... Values>
std::tuple<Array<Values>...> on_device(Margins margins, const Body& body, Array<Values>... arrays) {
  const Stream stream(kCuda);
  std::tuple<Mirror<Values>...> mirrors(Mirror<Values>(stream, arrays, margins)...);
  return std::apply(
      [&](auto&... mirror) {
        body(stream.view(), mirror.tensor()...);
        return std::tuple<Array<Values>...>(mirror.fetch()...);
      },
      mirrors);
}
template <class Body, class... Values>
std::tuple<Array<Values>...> on_device(std::int64_t offset, const Body& body,
                                       const Array<Values>&... arrays) {
  return on_device(Margins{offset, 8}, body, arrays...);
}
template <class Body, class... Values>
std::tuple<Array<Values>...> on_host(const Body& body, Array<Values>... arrays) {
  body(host_stream(), arrays.tensor()...);
  return {arrays...};
}

template <class Value>
bool has_equal_bits(const Array<Value>& a, const Array<Value>& b) {
  return a.size() == b.size() &&
         (a.size() == 0 || std::memcmp(a.values().data(), b.values().data(), a.size() * sizeof(Value)) == 0);
}
// NaN is NaN, whatever its payload: that is the one thing that host and device do not agree on.
inline bool is_equal(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}

// The largest difference of two arrays, relative where numbers exceed 1; infinite where only one is a number.
template <class Value>
double disagreement(const Array<Value>& is, const Array<Value>& should) {
  double largest = 0;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(is.size()); ++i) {
    const auto a = static_cast<double>(is[i]), b = static_cast<double>(should[i]);
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    const double difference = std::abs(a - b) / std::max(1.0, std::abs(b));
    largest =
        std::max(largest, std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference);
  }
  return largest;
}
inline bool agrees(const Floats& is, const Floats& should) {
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(is.size()); ++i)
    if (!is_equal(is[i], should[i])) return false;
  return true;
}
template <class Value>
bool agrees(const Array<Value>& is, const Array<Value>& should) {
  return has_equal_bits(is, should);
}

// Runs a body on the host and twice on the device, on copies of the same arrays; the second time their memory
// ends with them. The device's two results have the same bits; they have the host's, or with a tolerance
// agree with it.
template <class Body, class... Values>
void check_bits(std::int64_t offset, const Body& body, const Array<Values>&... arrays) {
  const auto once = on_device(offset, body, arrays...),
             again = on_device(Margins{offset, 0}, body, arrays...);
  const auto should = on_host(body, arrays...);
  [&]<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
    CHECK((has_equal_bits(std::get<kIndex>(once), std::get<kIndex>(again)) && ...));
    CHECK((agrees(std::get<kIndex>(once), std::get<kIndex>(should)) && ...));
  }(std::index_sequence_for<Values...>());
}
template <class Body, class... Values>
void check_within(double tolerance, std::int64_t offset, const Body& body, const Array<Values>&... arrays) {
  const auto once = on_device(offset, body, arrays...),
             again = on_device(Margins{offset, 0}, body, arrays...);
  const auto should = on_host(body, arrays...);
  [&]<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
    CHECK((has_equal_bits(std::get<kIndex>(once), std::get<kIndex>(again)) && ...));
    for (const double difference : {disagreement(std::get<kIndex>(once), std::get<kIndex>(should))...})
      CHECK(difference <= tolerance);
  }(std::index_sequence_for<Values...>());
}

}  // namespace eightfold::kernels::testing
