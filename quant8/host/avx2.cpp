// Compiled for AVX2 and FMA whatever the rest is compiled for; what host/avx512.cpp says about inline
// functions holds here as well.

#include "quant8/host/primitives.hpp"

#include <immintrin.h>

namespace eightfold::quant8::host {
namespace {

constexpr std::int64_t kLanes = 8;
constexpr std::int64_t kStep = 4 * kLanes;  // codes of a register

__m256i load_bits(const float* x) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x));
}

// Without their signs magnitudes are ordered as signed integers, too, and NaN comes out above infinity.
std::uint32_t largest(const float* x, std::int64_t n) {
  const __m256i magnitude = _mm256_set1_epi32(0x7FFF'FFFF);
  __m256i found = _mm256_setzero_si256();
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    found = _mm256_max_epi32(found, _mm256_and_si256(load_bits(x + i), magnitude));
  alignas(32) std::uint32_t lane[kLanes];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lane), found);
  std::uint32_t result = i < n ? portable::largest(x + i, n - i) : 0;
  for (const std::uint32_t bits : lane) result = bits > result ? bits : result;
  return result;
}

// See host/avx512.cpp.
template <int kSteps>
__m256i linear_level(__m256 y) {
  const __m256 sum = _mm256_fmadd_ps(y, _mm256_set1_ps(kSteps), _mm256_set1_ps(0x1p23F));
  return _mm256_and_si256(_mm256_castps_si256(sum), _mm256_set1_epi32(0x7F));
}

// LevelIndex::nearest() of eight: the bucket's first level, and one more above its threshold.
__m256i indexed_level(const LevelIndex& index, __m256 y) {
  const __m256i upper = _mm256_srli_epi32(_mm256_castps_si256(y), LevelIndex::kShift);
  const __m256i clamped = _mm256_min_epi32(_mm256_max_epi32(upper, _mm256_set1_epi32(LevelIndex::kSmallest)),
                                           _mm256_set1_epi32(LevelIndex::kLargest));
  const __m256i bucket = _mm256_sub_epi32(clamped, _mm256_set1_epi32(LevelIndex::kSmallest));
  const __m256i words = _mm256_i32gather_epi32(reinterpret_cast<const int*>(&index.first), bucket, 1);
  const __m256i level = _mm256_and_si256(words, _mm256_set1_epi32(0xFF));
  const __m256 threshold = _mm256_i32gather_ps(index.levels.threshold, level, sizeof(float));
  const __m256 above = _mm256_cmp_ps(threshold, y, _CMP_LT_OQ);  // -1 as an integer
  return _mm256_sub_epi32(level, _mm256_castps_si256(above));
}

// The codes of kStep elements.
template <class Level>
__m256i codes_of(const float* x, __m256 inverse_scale, const Level& level) {
  __m256i code[4];
  for (int part = 0; part < 4; ++part) {
    const __m256i bits = load_bits(x + part * kLanes);
    const __m256 magnitude = _mm256_castsi256_ps(_mm256_and_si256(bits, _mm256_set1_epi32(0x7FFF'FFFF)));
    const __m256i sign = _mm256_slli_epi32(_mm256_srli_epi32(bits, 31), 7);
    code[part] = _mm256_or_si256(level(_mm256_mul_ps(magnitude, inverse_scale)), sign);
  }
  // Codes are at most 255, so that nothing saturates. Packing works within halves of a register.
  const __m256i bytes =
      _mm256_packus_epi16(_mm256_packs_epi32(code[0], code[1]), _mm256_packs_epi32(code[2], code[3]));
  return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

template <class Level>
void encode(const LevelIndex& index, const float* x, std::int64_t n, float inverse_scale, std::uint8_t* codes,
            const Level& level) {
  const __m256 factor = _mm256_set1_ps(inverse_scale);
  std::int64_t i = 0;
  for (; i + kStep <= n; i += kStep)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(codes + i), codes_of(x + i, factor, level));
  if (i < n) portable::encode(index, x + i, n - i, inverse_scale, codes + i);
}

void encode_indexed(const LevelIndex& index, const float* x, std::int64_t n, float inverse_scale,
                    std::uint8_t* codes) {
  encode(index, x, n, inverse_scale, codes, [&](__m256 y) { return indexed_level(index, y); });
}

template <int kSteps>
void encode_linear(const LevelIndex& index, const float* x, std::int64_t n, float inverse_scale,
                   std::uint8_t* codes) {
  encode(index, x, n, inverse_scale, codes, [](__m256 y) { return linear_level<kSteps>(y); });
}

// canonical() of eight.
__m256 canonical_of(__m256 result) {
  const __m256 nan = _mm256_castsi256_ps(_mm256_set1_epi32(kCanonicalNanBits));
  return _mm256_blendv_ps(result, nan, _mm256_cmp_ps(result, result, _CMP_UNORD_Q));
}

// The values of kLanes codes; a NaN has any bits.
__m256 values_of(const LevelTable& levels, const std::uint8_t* codes, __m256 scale) {
  const __m256i code = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes)));
  const __m256i level = _mm256_and_si256(code, _mm256_set1_epi32(0x7F));
  const __m256 magnitude = _mm256_mul_ps(_mm256_i32gather_ps(levels.level, level, sizeof(float)), scale);
  const __m256i sign = _mm256_slli_epi32(_mm256_srli_epi32(code, 7), 31);
  return _mm256_xor_ps(magnitude, _mm256_castsi256_ps(sign));
}

void decode(const LevelIndex& index, const EncodedBlock& block, std::int64_t n, float* y, Store store) {
  const __m256 scale = _mm256_set1_ps(block.scale);
  std::int64_t i = 0;
  if (store == Store::streaming && reinterpret_cast<std::uintptr_t>(y) % sizeof(__m256) == 0)
    for (; i + kLanes <= n; i += kLanes)
      _mm256_stream_ps(y + i, canonical_of(values_of(index.levels, block.codes + i, scale)));
  for (; i + kLanes <= n; i += kLanes)
    _mm256_storeu_ps(y + i, canonical_of(values_of(index.levels, block.codes + i, scale)));
  if (i < n) portable::decode(index, {block.codes + i, block.scale}, n - i, y + i, store);
}

// All segments at once: a sum stays in its register, and y is read and written once. Each element still adds
// them in their order.
void decode_add(const LevelIndex& index, const EncodedBlock* blocks, std::size_t count, std::int64_t n,
                float* y) {
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    __m256 sum = _mm256_loadu_ps(y + i);
    for (std::size_t b = 0; b < count; ++b)
      sum = _mm256_add_ps(sum, values_of(index.levels, blocks[b].codes + i, _mm256_set1_ps(blocks[b].scale)));
    _mm256_storeu_ps(y + i, sum);
  }
  if (i < n) portable::decode_add_rest(index, blocks, count, i, n, y);
}

}  // namespace

Primitives avx2_primitives(Format format) {
  Primitives primitives{largest, encode_indexed, decode, decode_add};
  if (format == Format::linear8) primitives.encode = encode_linear<127>;
  if (format == Format::linear4) primitives.encode = encode_linear<7>;
  return primitives;
}

}  // namespace eightfold::quant8::host
