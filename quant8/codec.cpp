#include "quant8/codec.hpp"

#include "kernels/base/error.hpp"
#include "quant8/cuda/codec.hpp"
#include "quant8/host/codec.hpp"

#include <array>

namespace eightfold::quant8 {
namespace {

std::int64_t count(std::size_t size) {
  return static_cast<std::int64_t>(size);
}

void check_size(std::string_view what, std::size_t size, std::int64_t elements) {
  base::require(count(size) == elements, "{} of {} elements for a segment of {}", what, size, elements);
}

}  // namespace

Codec::Codec(const Encoding& encoding, Rounding rounding) : encoding_(encoding), rounding_(rounding) {
  if (rounding == Rounding::stochastic && !has_levels(encoding.format))
    base::raise<base::ConfigError>(
        "{} cannot round stochastically; formats of 8 bits and linear4, which have levels, can",
        to_string(encoding.format));
}

// A sum of one is no sum: with the factor 1 every bit of a value is kept.
void Codec::encode(kernels::StreamView stream, std::span<const float> values, std::span<float> residual,
                   const Stamp& stamp, std::span<std::byte> segment) const {
  const std::array contributions{Contribution{values}};
  encode_sum(stream, {contributions, count(values.size()), 1}, residual, stamp, segment);
}

void Codec::encode_sum(kernels::StreamView stream, const Sum& sum, std::span<float> residual,
                       const Stamp& stamp, std::span<std::byte> segment) const {
  check_sum(sum);
  if (!residual.empty()) check_size("a residual", residual.size(), sum.elements);
  check_segment(segment, sum.elements);
  do_encode(stream, sum, residual, stamp, segment);
}

void Codec::sum(kernels::StreamView stream, const Sum& sum, std::span<float> values) const {
  check_sum(sum);
  check_size("a result", values.size(), sum.elements);
  do_sum(stream, sum, values);
}

void Codec::decode(kernels::StreamView stream, std::span<const std::byte> segment,
                   std::span<float> values) const {
  check_segment(segment, count(values.size()));
  do_decode(stream, segment, values);
}

void Codec::decode_add(kernels::StreamView stream, std::span<const std::byte> segment,
                       std::span<float> values) const {
  check_segment(segment, count(values.size()));
  do_decode_add(stream, segment, values);
}

// The limit is the size of arrays in the codecs, which allocate nothing: on a GPU those travel with the
// kernel's arguments.
void Codec::check_sum(const Sum& sum) const {
  base::require(!sum.contributions.empty() && sum.contributions.size() <= kMaxContributions,
                "a sum of {} contributions; 1 to {} are possible", sum.contributions.size(),
                kMaxContributions);
  for (const Contribution& contribution : sum.contributions) {
    if (const auto* values = std::get_if<std::span<const float>>(&contribution))
      check_size("a contribution", values->size(), sum.elements);
    else
      check_segment(std::get<std::span<const std::byte>>(contribution), sum.elements);
  }
}

void Codec::check_segment(std::span<const std::byte> segment, std::int64_t elements) const {
  base::require(segment.size() == wire_bytes(elements), "{} bytes for a segment of {} elements of {}, not {}",
                segment.size(), elements, to_string(encoding_.format), wire_bytes(elements));
  // Planes begin at multiples of 16 bytes in a segment. Codecs read them as numbers of up to 4 bytes, and
  // write them by vector stores that fault elsewhere.
  base::require(reinterpret_cast<std::uintptr_t>(segment.data()) % 16 == 0,
                "a segment that is not aligned to 16 bytes");
}

std::unique_ptr<Codec> make_codec(kernels::Device device, const Encoding& encoding, Rounding rounding) {
  if (device.kind == kernels::DeviceKind::host)
    return host::make_codec(encoding, rounding, host::best_instructions());
#ifdef EIGHTFOLD_WITH_CUDA
  return cuda::make_codec(device, encoding, rounding);
#else
  base::raise<base::EnvironmentError>(
      "{} was asked for a codec, but this eightfold was built without CUDA; use --set job.device=host",
      to_string(device));
#endif
}

}  // namespace eightfold::quant8
