#include "quant8/reference.hpp"

#include "quant8/segment.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace eightfold::quant8 {
namespace {

using Floats = std::vector<float>;

// Every rule of docs/wire_format.md in its plainest form, one element after the other. It shares the
// arithmetic of quant8/format.hpp and the frame with the fast codecs, but none of their loops and searches.
// Encoding works on a whole segment: add up, write the scales, then each code by the scale that is on the
// wire.
class ReferenceCodec final : public Codec {
 public:
  ReferenceCodec(const Encoding& encoding, Rounding rounding)
      : Codec(encoding, rounding), format_(encoding.format), table_(make_table(levels_of(encoding.format))) {}

 private:
  void do_encode(kernels::StreamView, const Sum& sum, std::span<float> residual, const Stamp& stamp,
                 std::span<std::byte> segment) const override {
    Floats values = add_up(sum);
    for (std::size_t i = 0; i < residual.size(); ++i) values[i] = canonical(values[i] + residual[i]);
    // write_code() only sets bits where several codes share a byte.
    std::fill(segment.begin(), segment.end(), std::byte{0});
    write_frame(segment, encoding(), header_of(encoding(), stamp.sequence, sum.elements));
    write_scales(values, segment);
    for (std::int64_t i = 0; i < sum.elements; ++i) write_code(values, i, stamp, segment);
    write_hash(segment, encoding(), sum.elements);
    if (residual.empty()) return;
    // What is lost is the difference to what the receivers decode, from the very bytes.
    const Floats received = decoded(segment, sum.elements);
    for (std::size_t i = 0; i < residual.size(); ++i)
      // A loss that is not finite would make the block NaN for ever, not for one step.
      residual[i] = std::isfinite(values[i] - received[i]) ? values[i] - received[i] : 0;
  }

  void do_sum(kernels::StreamView, const Sum& sum, std::span<float> values) const override {
    std::ranges::copy(add_up(sum), values.begin());
  }

  void do_decode(kernels::StreamView, std::span<const std::byte> segment,
                 std::span<float> values) const override {
    std::ranges::copy(decoded(segment, static_cast<std::int64_t>(values.size())), values.begin());
  }

  void do_decode_add(kernels::StreamView, std::span<const std::byte> segment,
                     std::span<float> values) const override {
    const Floats more = decoded(segment, static_cast<std::int64_t>(values.size()));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = canonical(values[i] + more[i]);
  }

  Floats add_up(const Sum& sum) const {
    Floats total;
    for (const Contribution& contribution : sum.contributions) {
      Floats part;
      if (const auto* values = std::get_if<std::span<const float>>(&contribution))
        part.assign(values->begin(), values->end());
      else
        part = decoded(std::get<std::span<const std::byte>>(contribution), sum.elements);
      // The first contribution is copied: alone it keeps its bits, those of a NaN included.
      if (total.empty()) {
        total = part;
        continue;
      }
      for (std::size_t i = 0; i < total.size(); ++i) total[i] = canonical(total[i] + part[i]);
    }
    // No product by 1: it would make a NaN canonical where nothing is computed.
    if (sum.factor != 1)
      for (float& value : total) value = canonical(value * sum.factor);
    return total;
  }

  // Elements [first, last) share the scale `index`.
  std::int64_t elements_per_scale(std::int64_t elements) const {
    return encoding().scaling == Scaling::block ? kBlock : std::max<std::int64_t>(elements, 1);
  }

  void write_scales(const Floats& values, std::span<std::byte> segment) const {
    const auto elements = static_cast<std::int64_t>(values.size());
    const std::int64_t step = elements_per_scale(elements);
    for (std::int64_t s = 0; s < scales_of(encoding(), elements); ++s) {
      const auto first = values.begin() + s * step;
      const std::uint16_t scale = scale_for(Floats(first, first + std::min(step, elements - s * step)));
      std::memcpy(segment.data() + sizeof(Header) + 2 * s, &scale, sizeof(scale));
    }
  }

  // The sum of one_bit is a tree of fixed shape, because fp32 additions in another order round otherwise.
  // This shape suits vectors of any width and half a warp (folded_magnitudes() in
  // quant8/cuda/encode_kernels.hpp).
  std::uint16_t scale_for(const Floats& values) const {
    std::uint32_t largest = 0;
    for (const float value : values) largest = std::max(largest, magnitude_bits(value));
    if (format_ != Format::one_bit) return scale_of(largest);
    double sum = 0;
    for (std::size_t first = 0; first < values.size(); first += kBlock) {
      Floats folded(kBlock, 0.0F);
      for (std::size_t i = first; i < std::min<std::size_t>(first + kBlock, values.size()); ++i)
        folded[i - first] = std::abs(values[i]);
      for (std::size_t width = kBlock / 2; width >= 1; width /= 2)
        for (std::size_t i = 0; i < width; ++i) folded[i] += folded[i + width];
      sum += static_cast<double>(folded[0]);
    }
    return mean_scale_of(largest, sum, static_cast<std::int64_t>(values.size()));
  }

  std::uint16_t scale_at(std::span<const std::byte> segment, std::int64_t i, std::int64_t elements) const {
    std::uint16_t scale;
    std::memcpy(&scale, segment.data() + sizeof(Header) + 2 * (i / elements_per_scale(elements)),
                sizeof(scale));
    return scale;
  }

  std::byte* code_plane(std::span<std::byte> segment, std::int64_t elements) const {
    return segment.data() + layout_of(encoding(), elements).codes;
  }

  void write_code(const Floats& values, std::int64_t i, const Stamp& stamp,
                  std::span<std::byte> segment) const {
    const auto elements = static_cast<std::int64_t>(values.size());
    const float value = values[static_cast<std::size_t>(i)];
    std::uint32_t code = plain_code(value);
    if (has_scales(format_)) {
      const std::uint16_t scale = scale_at(segment, i, elements);
      code = has_codes(scale) ? scaled_code(value, scale, i, stamp) : 0;
    }
    const std::int64_t bit = i * bits_of(format_);
    std::byte* at = code_plane(segment, elements) + bit / 8;
    if (bits_of(format_) >= 8)
      std::memcpy(at, &code, static_cast<std::size_t>(bits_of(format_)) / 8);
    else
      // 4 and 1 divide 8: no code lies in two bytes.
      *at |= static_cast<std::byte>(code << (bit % 8));
  }

  std::uint32_t plain_code(float value) const {
    if (format_ == Format::bf16) return kernels::from_float<kernels::BFloat16>(value).bits;
    if (format_ == Format::fp16) return kernels::from_float<kernels::Float16>(value).bits;
    return kernels::bit_cast<std::uint32_t>(value);
  }

  std::uint32_t scaled_code(float value, std::uint16_t scale, std::int64_t i, const Stamp& stamp) const {
    const std::uint32_t sign = std::signbit(value) ? 1U << sign_position(format_) : 0U;
    if (format_ == Format::one_bit) return sign;
    const float y = std::abs(value) * inverse_of(scale);
    return sign | static_cast<std::uint32_t>(rounding() == Rounding::nearest ? count_below(y)
                                                                             : draw_level(y, i, stamp));
  }

  // The definition of a code, by counting. The fast codecs find the same level by an index or by halves.
  int count_below(float y) const {
    int level = 0;
    while (table_.threshold[level] < y) ++level;
    return level;
  }

  // y may be a little above 1, the last level. The inverse gap is 0 there, so that the level stays.
  int draw_level(float y, std::int64_t i, const Stamp& stamp) const {
    int lower = 0;
    while (lower + 1 < table_.count && table_.level[lower + 1] <= y) ++lower;
    const float position = (y - table_.level[lower]) * table_.inverse_gap[lower];
    const std::uint32_t word =
        kernels::random_word(random_key(stamp.rounding), random_index(stamp.rounding, i));
    return kernels::uniform_from(word) < position ? lower + 1 : lower;
  }

  Floats decoded(std::span<const std::byte> segment, std::int64_t elements) const {
    Floats values(static_cast<std::size_t>(elements));
    const std::byte* codes = segment.data() + layout_of(encoding(), elements).codes;
    for (std::int64_t i = 0; i < elements; ++i) {
      const std::int64_t bit = i * bits_of(format_);
      std::uint32_t code = 0;
      if (bits_of(format_) >= 8)
        std::memcpy(&code, codes + bit / 8, static_cast<std::size_t>(bits_of(format_)) / 8);
      else
        code = std::to_integer<std::uint32_t>(codes[bit / 8] >> (bit % 8)) & ((1U << bits_of(format_)) - 1);
      values[static_cast<std::size_t>(i)] =
          has_scales(format_) ? scaled_value(code, scale_value(scale_at(segment, i, elements)))
                              : plain_value(code);
    }
    return values;
  }

  float plain_value(std::uint32_t code) const {
    if (format_ == Format::bf16)
      return kernels::to_float(kernels::BFloat16{static_cast<std::uint16_t>(code)});
    if (format_ == Format::fp16) return kernels::to_float(kernels::Float16{static_cast<std::uint16_t>(code)});
    return kernels::bit_cast<float>(code);
  }

  float scaled_value(std::uint32_t code, float scale) const {
    const std::uint32_t sign = 1U << sign_position(format_);
    const float level = format_ == Format::one_bit ? 1 : table_.level[code & (sign - 1)];
    return canonical((code & sign) != 0 ? -(level * scale) : level * scale);
  }

  Format format_;
  LevelTable table_;
};

}  // namespace

std::unique_ptr<Codec> make_reference_codec(const Encoding& encoding, Rounding rounding) {
  return std::make_unique<ReferenceCodec>(encoding, rounding);
}

}  // namespace eightfold::quant8
