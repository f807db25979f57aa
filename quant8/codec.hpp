#pragma once

// Codecs: fp32 values to encoded segments (quant8/format.hpp) and back. Every implementation of a codec
// (reference, portable, SIMD, CUDA) writes the same bytes and decodes them to the same bits, those of a NaN
// included.
//
// Calls enqueue on the stream and return before the work is done. All memory is of the stream's device;
// segments are aligned to 16 bytes. A codec has no state: several threads may use one, and it allocates
// nothing in a call.

#include "kernels/stream.hpp"
#include "quant8/format.hpp"
#include "quant8/rounding.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <variant>

namespace eightfold::quant8 {

// The message and the random numbers that an encoding belongs to.
struct Stamp {
  std::uint16_t sequence = 0;  // goes into the header
  RoundingKey rounding;        // used by stochastic rounding alone
};

// One rank's part of a sum: its own values, or a segment that it sent.
using Contribution = std::variant<std::span<const float>, std::span<const std::byte>>;

// contribution[0] + contribution[1] + ... in this order, times `factor`, all in fp32. An addition or
// multiplication makes a NaN canonical(); one contribution with the factor 1 keeps every bit.
struct Sum {
  std::span<const Contribution> contributions;  // 1 to kMaxContributions
  std::int64_t elements = 0;                    // of each of them
  float factor = 1;
};
inline constexpr std::size_t kMaxContributions = 128;

class Codec {
 public:
  Codec(const Encoding& encoding, Rounding rounding);
  virtual ~Codec() = default;
  Codec(const Codec&) = delete;  // shared by reference
  Codec& operator=(const Codec&) = delete;

  const Encoding& encoding() const noexcept { return encoding_; }
  Rounding rounding() const noexcept { return rounding_; }
  // Bytes of a segment of `elements`.
  std::size_t wire_bytes(std::int64_t elements) const { return quant8::wire_bytes(encoding_, elements); }

  // Encodes values + residual, and leaves in the residual what got lost (error feedback). An empty residual
  // means none: what gets lost is lost.
  void encode(kernels::StreamView stream, std::span<const float> values, std::span<float> residual,
              const Stamp& stamp, std::span<std::byte> segment) const;
  // The same for a sum: decoded, added and encoded in one pass.
  void encode_sum(kernels::StreamView stream, const Sum& sum, std::span<float> residual, const Stamp& stamp,
                  std::span<std::byte> segment) const;
  // The sum itself, in fp32. `values` may be the very span of one of the contributions.
  void sum(kernels::StreamView stream, const Sum& sum, std::span<float> values) const;
  // The header is not looked at: check_header() (quant8/segment.hpp) is the receiver's duty.
  void decode(kernels::StreamView stream, std::span<const std::byte> segment, std::span<float> values) const;
  // Adds the decoded values to those that are there.
  void decode_add(kernels::StreamView stream, std::span<const std::byte> segment,
                  std::span<float> values) const;

 private:
  // The same, sizes and alignment checked. encode() is a sum of one.
  virtual void do_encode(kernels::StreamView stream, const Sum& sum, std::span<float> residual,
                         const Stamp& stamp, std::span<std::byte> segment) const = 0;
  virtual void do_sum(kernels::StreamView stream, const Sum& sum, std::span<float> values) const = 0;
  virtual void do_decode(kernels::StreamView stream, std::span<const std::byte> segment,
                         std::span<float> values) const = 0;
  virtual void do_decode_add(kernels::StreamView stream, std::span<const std::byte> segment,
                             std::span<float> values) const = 0;

  void check_sum(const Sum& sum) const;
  void check_segment(std::span<const std::byte> segment, std::int64_t elements) const;

  Encoding encoding_;
  Rounding rounding_;
};

// The fastest codec for memory of `device`. Throws ConfigError for stochastic rounding to a format without
// levels, EnvironmentError where there is no codec for the device.
std::unique_ptr<Codec> make_codec(kernels::Device device, const Encoding& encoding,
                                  Rounding rounding = Rounding::nearest);

}  // namespace eightfold::quant8
