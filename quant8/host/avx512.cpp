// Compiled for AVX-512 (F, BW, DQ, VL, VBMI) whatever the rest is compiled for. Nothing here may instantiate
// an inline function that other units use as well: the linker would keep one copy, perhaps this one.

#include "quant8/host/primitives.hpp"
#include "quant8/host/tree_segments.hpp"

#include <immintrin.h>

namespace eightfold::quant8::host {
namespace {

constexpr std::int64_t kLanes = 16;
constexpr std::int64_t kStep = 4 * kLanes;  // codes of a register

constexpr TreeSegments kTree = make_tree_segments();
constexpr LevelTable kTreeLevels = make_table(dynamic_tree_levels());

// Half a block is prefetched while a block's largest value is searched, half while the block is encoded. The
// hardware's prefetcher does little during the second and stops at a page's end. Addresses beyond the end do
// no harm.
constexpr std::int64_t kAhead = 8 * kBlock;

void fetch(const float* x, std::int64_t i) {
  _mm_prefetch(
      reinterpret_cast<const char*>(reinterpret_cast<std::uintptr_t>(x) + sizeof(float) * (kAhead + i)),
      _MM_HINT_T0);
}

std::uint32_t largest(const float* x, std::int64_t n) {
  const __m512i magnitude = _mm512_set1_epi32(0x7FFF'FFFF);
  __m512i even = _mm512_setzero_si512(), odd = even;
  std::int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    fetch(x, i / 2);
    even = _mm512_max_epi32(even, _mm512_and_si512(_mm512_loadu_si512(x + i), magnitude));
    odd = _mm512_max_epi32(odd, _mm512_and_si512(_mm512_loadu_si512(x + i + kLanes), magnitude));
  }
  const auto found = static_cast<std::uint32_t>(_mm512_reduce_max_epi32(_mm512_max_epi32(even, odd)));
  const std::uint32_t rest = i < n ? portable::largest(x + i, n - i) : 0;
  return found > rest ? found : rest;
}

// y * kSteps rounded to an integer, ties to even, in the last bits of a number from 2^23 on. The product is
// not rounded before that, and the thresholds are the middles between i / kSteps: nothing is left to correct.
template <int kSteps>
__m512i linear_level(__m512 y) {
  const __m512 sum = _mm512_fmadd_ps(y, _mm512_set1_ps(kSteps), _mm512_set1_ps(0x1p23F));
  return _mm512_and_si512(_mm512_castps_si512(sum), _mm512_set1_epi32(0x7F));
}

// One level up where y is above the threshold. Hardly ever called; the gather would be too slow otherwise.
[[gnu::noinline]] __m512i corrected(__m512i level, __m512 y, __mmask16 doubtful) {
  const __m512 threshold =
      _mm512_mask_i32gather_ps(_mm512_setzero_ps(), doubtful, level, kTreeLevels.threshold, sizeof(float));
  const __mmask16 above = _mm512_mask_cmp_ps_mask(doubtful, threshold, y, _CMP_LT_OQ);
  return _mm512_mask_add_epi32(level, above, level, _mm512_set1_epi32(1));
}

// With this maximum exponents are 96 to 127, since y is always below 2: five bits tell them apart.
__m512i tree_level(__m512 magnitude) {
  const __m512 y = _mm512_max_ps(magnitude, _mm512_set1_ps(TreeSegments::kSmallest));
  const __m512i exponent = _mm512_srli_epi32(_mm512_castps_si512(y), 23);  // permutes use its five last bits
  const __m512 border =
      _mm512_permutex2var_ps(_mm512_load_ps(kTree.border), exponent, _mm512_load_ps(kTree.border + kLanes));
  const __m512i below = _mm512_permutex2var_epi32(_mm512_load_si512(kTree.segment), exponent,
                                                  _mm512_load_si512(kTree.segment + kLanes));
  const __mmask16 above = _mm512_cmp_ps_mask(y, border, _CMP_GT_OQ);
  const __m512i segment = _mm512_mask_add_epi32(below, above, below, _mm512_set1_epi32(1));

  const __m512 slope = _mm512_permutexvar_ps(segment, _mm512_load_ps(kTree.slope));
  const __m512 offset = _mm512_permutexvar_ps(segment, _mm512_load_ps(kTree.offset));
  const __m512 position = _mm512_fmadd_ps(y, slope, offset);
  const __m512i last = _mm512_permutexvar_epi32(segment, _mm512_load_si512(kTree.last));
  const __m512i level = _mm512_min_epi32(_mm512_cvttps_epi32(position), last);

  constexpr int kFraction = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;  // what is left after rounding down
  const __mmask16 doubtful = _mm512_cmp_ps_mask(_mm512_reduce_ps(position, kFraction),
                                                _mm512_set1_ps(1 - TreeSegments::kDoubt), _CMP_GT_OQ);
  return doubtful == 0 ? level : corrected(level, y, doubtful);
}

// Quarters of a register, each of four groups of four bytes, transposed.
__m512i transposed_groups(__m512i bytes) {
  return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
                                  bytes);
}

// The codes of kStep elements.
template <class Level>
__m512i codes_of(const float* x, __m512 inverse_scale, const Level& level) {
  __m512i code[4];
  for (int part = 0; part < 4; ++part) {
    const __m512 values = _mm512_loadu_ps(x + part * kLanes);
    const __m512i levels = level(_mm512_mul_ps(_mm512_abs_ps(values), inverse_scale));
    const __m512i signs = _mm512_srli_epi32(_mm512_castps_si512(values), 24);
    constexpr int kFirstOrSecondAndThird = 0xF8;
    code[part] = _mm512_ternarylogic_epi32(levels, signs, _mm512_set1_epi32(0x80), kFirstOrSecondAndThird);
  }
  const __m512i bytes =
      _mm512_packus_epi16(_mm512_packs_epi32(code[0], code[1]), _mm512_packs_epi32(code[2], code[3]));
  // Packing works within quarters of a register.
  return transposed_groups(bytes);
}

template <class Level>
void encode(const LevelIndex& index, const float* x, std::int64_t n, float inverse_scale, std::uint8_t* codes,
            const Level& level) {
  const __m512 factor = _mm512_set1_ps(inverse_scale);
  std::int64_t i = 0;
  for (; i + kStep <= n; i += kStep) {
    fetch(x, (n + i) / 2);
    fetch(x, (n + i) / 2 + kLanes);
    _mm512_storeu_si512(codes + i, codes_of(x + i, factor, level));
  }
  if (i < n) portable::encode(index, x + i, n - i, inverse_scale, codes + i);
}

void encode_tree(const LevelIndex& index, const float* x, std::int64_t n, float inverse_scale,
                 std::uint8_t* codes) {
  encode(index, x, n, inverse_scale, codes, [](__m512 y) { return tree_level(y); });
}

template <int kSteps>
void encode_linear(const LevelIndex& index, const float* x, std::int64_t n, float inverse_scale,
                   std::uint8_t* codes) {
  encode(index, x, n, inverse_scale, codes, [](__m512 y) { return linear_level<kSteps>(y); });
}

// canonical() of sixteen.
__m512 canonical_of(__m512 result) {
  const __mmask16 is_nan = _mm512_cmp_ps_mask(result, result, _CMP_UNORD_Q);
  return _mm512_mask_mov_ps(result, is_nan, _mm512_castsi512_ps(_mm512_set1_epi32(kCanonicalNanBits)));
}

// The levels of a format, byte by byte, in registers: one permute looks up a byte of kStep codes.
class Levels {
 public:
  explicit Levels(const LevelIndex& index) {
    for (int k = 0; k < 4; ++k) {
      low_[k] = _mm512_load_si512(index.plane[k]);
      high_[k] = _mm512_load_si512(index.plane[k] + kStep);
    }
  }

  // value[0] to value[3]: those of kStep codes, scaled; a NaN has any bits. Unpacking works within quarters
  // of a register, which therefore take the codes that belong there first.
  void look_up(const std::uint8_t* codes, __m512 scale, __m512* value) const {
    const __m512i code = transposed_groups(_mm512_loadu_si512(codes));
    __m512i byte[4];
    for (int k = 0; k < 4; ++k) byte[k] = _mm512_permutex2var_epi8(low_[k], code, high_[k]);
    constexpr int kFirstXorSecondAndThird = 0x78;
    byte[3] = _mm512_ternarylogic_epi32(byte[3], code, _mm512_set1_epi8(-128), kFirstXorSecondAndThird);
    const __m512i lower[2] = {_mm512_unpacklo_epi8(byte[0], byte[1]), _mm512_unpackhi_epi8(byte[0], byte[1])};
    const __m512i upper[2] = {_mm512_unpacklo_epi8(byte[2], byte[3]), _mm512_unpackhi_epi8(byte[2], byte[3])};
    for (int half = 0; half < 2; ++half) {
      value[2 * half] = scaled(_mm512_unpacklo_epi16(lower[half], upper[half]), scale);
      value[2 * half + 1] = scaled(_mm512_unpackhi_epi16(lower[half], upper[half]), scale);
    }
  }

 private:
  static __m512 scaled(__m512i level, __m512 scale) {
    return _mm512_mul_ps(_mm512_castsi512_ps(level), scale);
  }

  __m512i low_[4], high_[4];
};

void decode(const LevelIndex& index, const EncodedBlock& block, std::int64_t n, float* y, Store store) {
  const Levels levels(index);
  const __m512 scale = _mm512_set1_ps(block.scale);
  const bool is_streamed =
      store == Store::streaming && reinterpret_cast<std::uintptr_t>(y) % sizeof(__m512) == 0;
  std::int64_t i = 0;
  for (; i + kStep <= n; i += kStep) {
    __m512 value[4];
    levels.look_up(block.codes + i, scale, value);
    for (int part = 0; part < 4; ++part) {
      const __m512 result = canonical_of(value[part]);
      if (is_streamed)
        _mm512_stream_ps(y + i + part * kLanes, result);
      else
        _mm512_storeu_ps(y + i + part * kLanes, result);
    }
  }
  if (i < n) portable::decode(index, {block.codes + i, block.scale}, n - i, y + i, store);
}

// As in host/avx2.cpp: sums stay in registers.
void decode_add(const LevelIndex& index, const EncodedBlock* blocks, std::size_t count, std::int64_t n,
                float* y) {
  const Levels levels(index);
  std::int64_t i = 0;
  for (; i + kStep <= n; i += kStep) {
    __m512 sum[4];
    for (int part = 0; part < 4; ++part) sum[part] = _mm512_loadu_ps(y + i + part * kLanes);
    for (std::size_t b = 0; b < count; ++b) {
      __m512 value[4];
      levels.look_up(blocks[b].codes + i, _mm512_set1_ps(blocks[b].scale), value);
      for (int part = 0; part < 4; ++part) sum[part] = _mm512_add_ps(sum[part], value[part]);
    }
    for (int part = 0; part < 4; ++part) _mm512_storeu_ps(y + i + part * kLanes, sum[part]);
  }
  if (i < n) portable::decode_add_rest(index, blocks, count, i, n, y);
}

}  // namespace

Primitives avx512_primitives(Format format) {
  Primitives primitives{largest, avx2_primitives(format).encode, decode, decode_add};
  if (format == Format::dynamic_tree8) primitives.encode = encode_tree;
  if (format == Format::linear8) primitives.encode = encode_linear<127>;
  if (format == Format::linear4) primitives.encode = encode_linear<7>;
  return primitives;
}

}  // namespace eightfold::quant8::host
