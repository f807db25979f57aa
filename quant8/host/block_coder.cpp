#include "quant8/host/block_coder.hpp"

#include <cstring>

namespace eightfold::quant8::host {

std::uint16_t BlockCoder::scale(const Extent& extent, std::int64_t elements) const {
  if (!has_scales(format_)) return kZeroScale;
  return has_levels(format_) ? scale_of(extent.largest) : mean_scale_of(extent.largest, extent.sum, elements);
}

void BlockCoder::encode(const float* x, std::int64_t n, std::uint16_t scale, const Draw* draw,
                        std::uint8_t* codes) const {
  if (!has_scales(format_))
    primitives_.encode(index_, x, n, 1, codes);
  else if (!has_codes(scale))
    std::memset(codes, 0, code_bytes(format_, n));
  else if (draw == nullptr)
    primitives_.encode(index_, x, n, inverse_of(scale), codes);
  else
    encode_stochastic(x, n, inverse_of(scale), *draw, codes);
}

void BlockCoder::encode_stochastic(const float* x, std::int64_t n, float inverse_scale, const Draw& draw,
                                   std::uint8_t* codes) const {
  std::uint64_t block = ~std::uint64_t{0};
  kernels::RandomWords words{};
  const int bits = bits_of(format_);
  std::memset(codes, 0, code_bytes(format_, n));
  for (std::int64_t i = 0; i < n; ++i) {
    const std::uint64_t at = draw.index + static_cast<std::uint64_t>(i);
    if (at / 4 != block) words = kernels::philox(draw.key, block = at / 4);
    const float y = kernels::bit_cast<float>(magnitude_bits(x[i])) * inverse_scale;
    const int level = stochastic_level(index_->levels, y, words.word[at % 4]);
    const std::uint32_t sign = kernels::bit_cast<std::uint32_t>(x[i]) >> 31 << (bits - 1);
    const std::int64_t bit = i * bits;
    codes[bit / 8] |= static_cast<std::uint8_t>((sign | static_cast<std::uint32_t>(level)) << (bit % 8));
  }
}

void make_canonical(float* y, std::int64_t n) {
  constexpr float kNan = kernels::bit_cast<float>(kCanonicalNanBits);
  for (std::int64_t i = 0; i < n; ++i)
    y[i] = y[i] == y[i] ? y[i] : kNan;  // fewer instructions than canonical()
}

}  // namespace eightfold::quant8::host
