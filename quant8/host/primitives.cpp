#include "quant8/host/primitives.hpp"

#include "kernels/base/error.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace eightfold::quant8::host {
namespace {

template <Format kFormat>
constexpr LevelIndex kIndex = make_level_index(kFormat);

// What the index promises.
constexpr bool shares_no_bucket(const LevelTable& levels) {
  for (int i = 1; i + 1 < levels.count; ++i)
    if (LevelIndex::bucket(levels.threshold[i - 1]) == LevelIndex::bucket(levels.threshold[i])) return false;
  return true;
}
static_assert(shares_no_bucket(kIndex<Format::dynamic_tree8>.levels));
static_assert(shares_no_bucket(kIndex<Format::linear8>.levels));
static_assert(shares_no_bucket(kIndex<Format::static_tree8>.levels));
static_assert(shares_no_bucket(kIndex<Format::mantissa8>.levels));
static_assert(shares_no_bucket(kIndex<Format::fp8_e4m3>.levels));
static_assert(shares_no_bucket(kIndex<Format::fp8_e5m2>.levels));
static_assert(shares_no_bucket(kIndex<Format::linear4>.levels));

constexpr std::uint8_t kSign = 0x80;

float decoded(const LevelTable& levels, std::uint8_t code, float scale) {
  const float magnitude = levels.level[code & 0x7F] * scale;
  return canonical((code & kSign) != 0 ? -magnitude : magnitude);
}

}  // namespace

const LevelIndex& level_index(Format format) {
  switch (format) {
    case Format::dynamic_tree8:
      return kIndex<Format::dynamic_tree8>;
    case Format::linear8:
      return kIndex<Format::linear8>;
    case Format::static_tree8:
      return kIndex<Format::static_tree8>;
    case Format::mantissa8:
      return kIndex<Format::mantissa8>;
    case Format::fp8_e4m3:
      return kIndex<Format::fp8_e4m3>;
    case Format::fp8_e5m2:
      return kIndex<Format::fp8_e5m2>;
    case Format::linear4:
      return kIndex<Format::linear4>;
    default:
      base::raise<base::InternalError>("{} has no levels", to_string(format));
  }
}

namespace portable {

std::uint32_t largest(const float* x, std::int64_t n) {
  std::uint32_t result = 0;
  for (std::int64_t i = 0; i < n; ++i) result = std::max(result, magnitude_bits(x[i]));
  return result;
}

// There is no NaN here: its block would have the scale NaN, and no codes.
void encode(const LevelIndex& index, const float* x, std::int64_t n, float inverse_scale,
            std::uint8_t* codes) {
  for (std::int64_t i = 0; i < n; ++i) {
    const int level = index.nearest(kernels::bit_cast<float>(magnitude_bits(x[i])) * inverse_scale);
    const std::uint32_t sign = kernels::bit_cast<std::uint32_t>(x[i]) >> 24 & kSign;
    codes[i] = static_cast<std::uint8_t>(sign | static_cast<std::uint32_t>(level));
  }
}

void decode(const LevelIndex& index, const EncodedBlock& block, std::int64_t n, float* y, Store) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = decoded(index.levels, block.codes[i], block.scale);
}

void decode_add(const LevelIndex& index, const EncodedBlock* blocks, std::size_t count, std::int64_t n,
                float* y) {
  decode_add_rest(index, blocks, count, 0, n, y);
}

// Segment by segment, where the vector loops go element by element. An element has the same order in both.
void decode_add_rest(const LevelIndex& index, const EncodedBlock* blocks, std::size_t count,
                     std::int64_t first, std::int64_t n, float* y) {
  for (std::size_t b = 0; b < count; ++b)
    for (std::int64_t i = first; i < n; ++i)
      y[i] += decoded(index.levels, blocks[b].codes[i], blocks[b].scale);
}

}  // namespace portable

Primitives primitives_of(Format format, Instructions instructions) {
#ifdef EIGHTFOLD_QUANT8_X86
  if (instructions == Instructions::avx512) return avx512_primitives(format);
  if (instructions == Instructions::avx2) return avx2_primitives(format);
#endif
  static_cast<void>(format);
  static_cast<void>(instructions);
  return {portable::largest, portable::encode, portable::decode, portable::decode_add};
}

}  // namespace eightfold::quant8::host
