#pragma once

// The common part of the tests of the CUDA codecs: calls on copies of host memory, at any address. They check
// that a codec leaves the bytes around it alone.

#include "kernels/buffer.hpp"
#include "tests/quant8/support.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <cstring>
#include <deque>
#include <span>
#include <utility>

namespace eightfold::quant8::testing {

inline const kernels::Device kCuda{kernels::DeviceKind::cuda, 0};

// Bytes that a codec must not touch lie before and behind a copy. If none lie behind it, AddressSanitizer
// also finds reads there (docs/simt.md).
struct Margins {
  std::size_t offset = 0;  // from an address aligned to 64 bytes
  std::size_t room = 16;   // behind
};

class Mirror {
 public:
  Mirror(kernels::StreamView stream, std::span<const std::byte> contents, Margins margins)
      : stream_(stream), size_(contents.size()), margins_(margins) {
    before_.assign(margins.offset + size_ + margins.room, kUntouched);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(contents.data());
    std::copy_n(bytes, size_, before_.begin() + static_cast<std::ptrdiff_t>(margins.offset));
    memory_ = kernels::Buffer<std::uint8_t>(stream.device(), before_.size());
    if (!before_.empty()) kernels::copy(stream, host(before_), memory_.tensor());
  }

  template <class Value>
  std::span<Value> as() const {
    return {reinterpret_cast<Value*>(memory_.data() + margins_.offset), size_ / sizeof(Value)};
  }

  // The contents after everything enqueued so far.
  std::vector<std::uint8_t> fetch() {
    std::vector<std::uint8_t> after(before_.size());
    if (!after.empty()) kernels::copy(stream_, memory_.tensor(), host(after));
    stream_.synchronize();
    const auto first = static_cast<std::ptrdiff_t>(margins_.offset);
    const auto last = first + static_cast<std::ptrdiff_t>(size_);
    CHECK(std::equal(before_.begin(), before_.begin() + first, after.begin()));
    CHECK(std::equal(before_.begin() + last, before_.end(), after.begin() + last));
    return {after.begin() + first, after.begin() + last};
  }
  Floats fetch_values() {
    const std::vector<std::uint8_t> bytes = fetch();
    Floats values(bytes.size() / sizeof(float));
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  Segment fetch_segment() {
    const std::vector<std::uint8_t> bytes = fetch();
    Segment segment(bytes.size());
    std::ranges::copy(std::as_bytes(std::span(bytes)), segment.data());
    return segment;
  }

 private:
  static constexpr std::uint8_t kUntouched = 0x5A;

  static kernels::Tensor host(std::vector<std::uint8_t>& bytes) {
    return kernels::host_tensor(std::span<std::uint8_t>(bytes),
                                kernels::Shape{static_cast<std::int64_t>(bytes.size())});
  }

  kernels::StreamView stream_;
  std::size_t size_;
  Margins margins_;
  std::vector<std::uint8_t> before_;
  kernels::Buffer<std::uint8_t> memory_;
};

inline std::span<const std::byte> bytes_of(std::span<const float> values) {
  return std::as_bytes(values);
}
// Bytes that are not written are visible.
inline std::vector<std::byte> unwritten(std::size_t bytes) {
  return std::vector<std::byte>(bytes, std::byte{0xA5});
}

// A sum whose contributions lie in host memory.
struct HostSum {
  std::deque<std::variant<Floats, Segment>> parts;
  std::int64_t elements = 0;
  float factor = 1;

  std::vector<Contribution> contributions() const {
    std::vector<Contribution> result;
    for (const auto& part : parts)
      std::visit([&](const auto& memory) { result.push_back(view_of(memory)); }, part);
    return result;
  }

 private:
  static Contribution view_of(const Floats& values) { return std::span<const float>(values); }
  static Contribution view_of(const Segment& segment) { return segment.view(); }
};

inline HostSum sum_of(Floats values) {
  const auto elements = static_cast<std::int64_t>(values.size());
  return {{std::move(values)}, elements, 1};
}

// The same on a device. Values start `shift` elements past an aligned address, segments at one.
class DeviceSum {
 public:
  DeviceSum(kernels::StreamView stream, const HostSum& sum, Margins margins)
      : elements_(sum.elements), factor_(sum.factor) {
    for (const Contribution& part : sum.contributions()) {
      if (const auto* values = std::get_if<std::span<const float>>(&part)) {
        memory_.emplace_back(stream, bytes_of(*values), margins);
        contributions_.emplace_back(std::span<const float>(memory_.back().as<float>()));
      } else {
        memory_.emplace_back(stream, std::get<std::span<const std::byte>>(part), Margins{0, margins.room});
        contributions_.emplace_back(std::span<const std::byte>(memory_.back().as<std::byte>()));
      }
    }
  }
  Sum view() const { return {contributions_, elements_, factor_}; }
  Mirror& memory(std::size_t i) { return memory_[i]; }

 private:
  std::deque<Mirror> memory_;
  std::vector<Contribution> contributions_;
  std::int64_t elements_;
  float factor_;
};

struct Encoded {
  Segment segment;
  Floats residual;
};

inline Encoded encode_on_host(const Codec& codec, const HostSum& sum, Floats residual, const Stamp& stamp) {
  Segment segment(codec.wire_bytes(sum.elements));
  const std::vector<Contribution> parts = sum.contributions();
  codec.encode_sum(host_stream(), {parts, sum.elements, sum.factor}, residual, stamp, segment);
  return {std::move(segment), std::move(residual)};
}

inline Encoded encode_on_device(const Codec& codec, const HostSum& sum, const Floats& residual,
                                const Stamp& stamp, Margins margins = {}) {
  const kernels::Stream stream(kCuda);
  const DeviceSum parts(stream, sum, margins);
  Mirror rest(stream, bytes_of(residual), margins);
  Mirror segment(stream, unwritten(codec.wire_bytes(sum.elements)), {0, margins.room});
  codec.encode_sum(stream, parts.view(), rest.as<float>(), stamp, segment.as<std::byte>());
  return {segment.fetch_segment(), rest.fetch_values()};
}

inline Floats sum_on_host(const Codec& codec, const HostSum& sum) {
  Floats values(static_cast<std::size_t>(sum.elements));
  const std::vector<Contribution> parts = sum.contributions();
  codec.sum(host_stream(), {parts, sum.elements, sum.factor}, values);
  return values;
}

inline Floats sum_on_device(const Codec& codec, const HostSum& sum, Margins margins = {}) {
  const kernels::Stream stream(kCuda);
  const DeviceSum parts(stream, sum, margins);
  Mirror values(stream, unwritten(static_cast<std::size_t>(sum.elements) * sizeof(float)), margins);
  codec.sum(stream, parts.view(), values.as<float>());
  return values.fetch_values();
}

inline Floats decode_on_device(const Codec& codec, const Segment& segment, std::size_t elements,
                               Margins margins = {}) {
  const kernels::Stream stream(kCuda);
  Mirror from(stream, segment.view(), {0, margins.room});
  Mirror values(stream, unwritten(elements * sizeof(float)), margins);
  codec.decode(stream, std::span<const std::byte>(from.as<std::byte>()), values.as<float>());
  return values.fetch_values();
}

inline Floats decode_add_on_device(const Codec& codec, const Segment& segment, const Floats& values,
                                   Margins margins = {}) {
  const kernels::Stream stream(kCuda);
  Mirror from(stream, segment.view(), {0, margins.room});
  Mirror sums(stream, bytes_of(values), margins);
  codec.decode_add(stream, std::span<const std::byte>(from.as<std::byte>()), sums.as<float>());
  return sums.fetch_values();
}

}  // namespace eightfold::quant8::testing
