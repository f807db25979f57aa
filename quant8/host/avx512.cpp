// Compiled for AVX-512 (F, BW, DQ, VL, VBMI); host/loops.hpp says what that forbids.

#include "quant8/host/line_segments.hpp"
#include "quant8/host/loops.hpp"

#include <immintrin.h>

namespace eightfold::quant8::host {
namespace {

struct Avx512 {
  using Register = __m512;
  static constexpr std::int64_t kLanes = 16;

  static __m512 zero() { return _mm512_setzero_ps(); }
  static __m512 load(const float* x) { return _mm512_loadu_ps(x); }
  static void store(float* y, __m512 values) { _mm512_storeu_ps(y, values); }
  static void stream(float* y, __m512 values) { _mm512_stream_ps(y, values); }
  static __m512 add(__m512 a, __m512 b) { return _mm512_add_ps(a, b); }
  static __m512 magnitude(__m512 values) { return _mm512_abs_ps(values); }
  static __m512 canonical(__m512 result) {
    const __mmask16 is_nan = _mm512_cmp_ps_mask(result, result, _CMP_UNORD_Q);
    return _mm512_mask_mov_ps(result, is_nan, _mm512_castsi512_ps(_mm512_set1_epi32(kCanonicalNanBits)));
  }
  // Of numbers without a sign.
  static __m512 larger_bits(__m512 a, __m512 b) {
    return _mm512_castsi512_ps(_mm512_max_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b)));
  }
  static std::uint32_t largest_bits(__m512 values) {
    return static_cast<std::uint32_t>(_mm512_reduce_max_epi32(_mm512_castps_si512(values)));
  }
  // Into the second cache, far ahead: from there the hardware's prefetcher goes on. What is fetched into the
  // first cache, or sooner, takes its place among the loads. Addresses beyond the end do no harm.
  static void fetch(const float* x) {
    constexpr std::uintptr_t kAhead = 16 * kBlock * sizeof(float);
    _mm_prefetch(reinterpret_cast<const char*>(reinterpret_cast<std::uintptr_t>(x) + kAhead), _MM_HINT_T1);
  }
};

constexpr std::int64_t kLanes = Avx512::kLanes;
constexpr std::int64_t kStep = kParts * kLanes;

void measure_largest(const float* x, std::int64_t n, Extent& extent) {
  __m512 even = Avx512::zero(), odd = even;
  std::int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    even = Avx512::larger_bits(even, Avx512::magnitude(Avx512::load(x + i)));
    odd = Avx512::larger_bits(odd, Avx512::magnitude(Avx512::load(x + i + kLanes)));
  }
  const std::uint32_t found = Avx512::largest_bits(Avx512::larger_bits(even, odd));
  extent.largest = found > extent.largest ? found : extent.largest;
  if (i < n) portable_primitives(Format::linear8).measure(x + i, n - i, extent);
}

// y * kSteps rounded to an integer, ties to even, in the last bits of a number from 2^23 on. The product is
// not rounded before that, and the thresholds are the middles between i / kSteps: nothing is left to correct.
template <int kSteps>
struct LinearLevel {
  static __m512i of(__m512 y) {
    const __m512 sum = _mm512_fmadd_ps(y, _mm512_set1_ps(kSteps), _mm512_set1_ps(0x1p23F));
    return _mm512_and_si512(_mm512_castps_si512(sum), _mm512_set1_epi32(0x7F));
  }
};

// The same for small floats, in units of the smallest above 0: a number is rounded to the last bit of its
// binade. The products at its ends are powers of two, so that a rounded one does as well to find the binade.
template <Format kFormat, int kMantissa>
struct FloatLevel {
  static constexpr Fractions kLevels = levels_of(kFormat);
  static constexpr float kLargest = static_cast<float>(kLevels.denominator);
  static constexpr int kFirstBinade = (127 + kMantissa) << 23;

  static __m512i of(__m512 y) {
    const __m512 factor = _mm512_set1_ps(kLargest);
    const __m512i product = _mm512_castps_si512(_mm512_mul_ps(y, factor));
    const __m512i binade = _mm512_max_epi32(_mm512_and_si512(product, _mm512_set1_epi32(0x7F80'0000)),
                                            _mm512_set1_epi32(kFirstBinade));
    const __m512i unit = _mm512_add_epi32(binade, _mm512_set1_epi32((23 - kMantissa) << 23));
    const __m512i sum = _mm512_castps_si512(_mm512_fmadd_ps(y, factor, _mm512_castsi512_ps(unit)));
    const __m512i below =
        _mm512_srli_epi32(_mm512_sub_epi32(binade, _mm512_set1_epi32(kFirstBinade)), 23 - kMantissa);
    return _mm512_add_epi32(below, _mm512_sub_epi32(sum, unit));
  }
};

// The levels of kStep values; false if one may be too low.
template <class Level>
struct EachLevel {
  bool operator()(const __m512* y, __m512i* level) const {
    for (int part = 0; part < kParts; ++part) level[part] = Level::of(y[part]);
    return true;
  }
};

template <Format kFormat, int kBinades>
class LineLevels {
 public:
  bool operator()(const __m512* y, __m512i* level) const {
    __m512i carries = _mm512_setzero_si512();
    for (int part = 0; part < kParts; ++part) {
      const __m512i sum = position(y[part]);
      const __m512i raised = _mm512_add_epi32(sum, _mm512_set1_epi32(LineSegments::kDoubt));
      constexpr int kFirstOrSecondXorThird = 0xF6;
      carries = _mm512_ternarylogic_epi32(carries, sum, raised, kFirstOrSecondXorThird);
      level[part] = _mm512_and_si512(_mm512_srli_epi32(sum, 16), _mm512_set1_epi32(0x7F));
    }
    return _mm512_test_epi32_mask(carries, _mm512_set1_epi32(0x1'0000)) == 0;
  }

 private:
  static constexpr LineSegments kLines = make_line_segments(kFormat, kBinades);
  static_assert(kLines.is_usable);

  // The table of both halves of the bins, in registers.
  struct Table {
    explicit Table(const float* values)
        : low(_mm512_load_ps(values)), high(_mm512_load_ps(values + kLanes)) {}
    __m512 operator[](__m512i line) const { return _mm512_permutex2var_ps(low, line, high); }
    __m512 low, high;
  };

  // The level in bits 16 to 22, the fraction below.
  __m512i position(__m512 y) const {
    const __m512i bits = _mm512_castps_si512(y);
    const __m512i bin =
        _mm512_srli_epi32(_mm512_subs_epu16(bits, _mm512_set1_epi32(kLines.first)), kLines.shift);
    const __mmask16 above = _mm512_cmp_ps_mask(y, _mm512_permutexvar_ps(bin, border_), _CMP_GT_OQ);
    const __m512i line = _mm512_mask_or_epi32(bin, above, bin, _mm512_set1_epi32(LineSegments::kBins));
    return _mm512_castps_si512(_mm512_min_ps(_mm512_fmadd_ps(y, slope_[line], offset_[line]), last_[line]));
  }

  __m512 border_ = _mm512_load_ps(kLines.border);
  Table slope_{kLines.slope}, offset_{kLines.offset}, last_{kLines.last};
};

// Quarters of a register, each of four groups of four bytes, transposed.
__m512i transposed_groups(__m512i bytes) {
  return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
                                  bytes);
}

// Bytes with the signs of kStep values. As packing works within quarters of a register, they are not in
// order.
__m512i packed_signs(const float* x) {
  __m512i bits[kParts];
  for (int part = 0; part < kParts; ++part) bits[part] = _mm512_loadu_si512(x + part * kLanes);
  return _mm512_packs_epi16(_mm512_packs_epi32(bits[0], bits[1]), _mm512_packs_epi32(bits[2], bits[3]));
}

// Codes of kBits, a sign above a level, as bytes.
template <class LevelsOf, int kBits>
class LevelEncoder {
 public:
  LevelEncoder(const LevelIndex* index, float inverse_scale) : index_(index), inverse_scale_(inverse_scale) {}

  // False if a level may be too low.
  [[gnu::always_inline]] bool make_bytes(const float* x, __m512i& bytes) const {
    __m512 y[kParts];
    for (int part = 0; part < kParts; ++part)
      y[part] =
          _mm512_mul_ps(_mm512_abs_ps(_mm512_loadu_ps(x + part * kLanes)), _mm512_set1_ps(inverse_scale_));
    __m512i level[kParts];
    const bool is_sure = levels_(y, level);
    const __m512i levels =
        _mm512_packus_epi16(_mm512_packs_epi32(level[0], level[1]), _mm512_packs_epi32(level[2], level[3]));
    const __m512i signs = _mm512_srli_epi16(packed_signs(x), 8 - kBits);
    const __m512i sign_bit = _mm512_set1_epi8(static_cast<char>(1 << (kBits - 1)));
    constexpr int kFirstOrSecondAndThird = 0xF8;
    bytes = transposed_groups(_mm512_ternarylogic_epi32(levels, signs, sign_bit, kFirstOrSecondAndThird));
    return is_sure;
  }
  // The table decides: so seldom that its speed does not matter.
  void encode_again(Format format, const float* x, std::uint8_t* codes) const {
    avx2_primitives(format).encode(index_, x, kStep, inverse_scale_, codes);
  }

 private:
  const LevelIndex* index_;
  float inverse_scale_;
  LevelsOf levels_;
};

// The levels of a format, byte by byte, in registers: one permute looks up a byte of kStep codes.
class ByteDecoder {
 public:
  explicit ByteDecoder(const LevelIndex* index) {
    for (int k = 0; k < 4; ++k) {
      low_[k] = _mm512_load_si512(index->plane[k]);
      high_[k] = _mm512_load_si512(index->plane[k] + kStep);
    }
  }

  // Unpacking works within quarters of a register, which therefore take the codes that belong there first.
  void decode(const std::uint8_t* codes, float scale, __m512* value) const {
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
  static __m512 scaled(__m512i level, float scale) {
    return _mm512_mul_ps(_mm512_castsi512_ps(level), _mm512_set1_ps(scale));
  }

  __m512i low_[4], high_[4];
};

template <Format kFormatOfCode, class LevelsOf>
struct ByteCode {
  static constexpr Format kFormat = kFormatOfCode;
  static constexpr bool kIsScaled = true;

  struct Encoder : LevelEncoder<LevelsOf, 8> {
    using LevelEncoder<LevelsOf, 8>::LevelEncoder;
    void encode(const float* x, std::uint8_t* codes) const {
      __m512i bytes;
      const bool is_sure = this->make_bytes(x, bytes);
      _mm512_storeu_si512(codes, bytes);
      if (!is_sure) [[unlikely]]
        this->encode_again(kFormat, x, codes);
    }
  };
  using Decoder = ByteDecoder;
};

struct NibbleCode {
  static constexpr Format kFormat = Format::linear4;
  static constexpr bool kIsScaled = true;

  struct Encoder : LevelEncoder<EachLevel<LinearLevel<7>>, 4> {
    using LevelEncoder::LevelEncoder;
    void encode(const float* x, std::uint8_t* codes) const {
      const __m512i first_and_16_second = _mm512_set1_epi16(0x1001);
      __m512i bytes;
      make_bytes(x, bytes);
      const __m512i pairs = _mm512_maddubs_epi16(bytes, first_and_16_second);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(codes), _mm512_cvtepi16_epi8(pairs));
    }
  };

  // A permute looks up sixteen codes among their values, and uses only their last four bits.
  class Decoder {
   public:
    explicit Decoder(const LevelIndex* index) {
      const __m512 twice = _mm512_broadcast_f32x8(_mm256_loadu_ps(index->levels.level));
      level_ = _mm512_mask_xor_ps(twice, 0xFF00, twice, _mm512_set1_ps(-0.0F));
    }
    void decode(const std::uint8_t* codes, float scale, __m512* value) const {
      const __m512 values = _mm512_mul_ps(level_, _mm512_set1_ps(scale));
      for (int part = 0; part < kParts; ++part) {
        const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes));
        const __m512i first = _mm512_cvtepu8_epi64(bytes);
        value[part] = _mm512_permutexvar_ps(_mm512_or_si512(first, _mm512_slli_epi64(first, 28)), values);
        codes += kLanes / 2;
      }
    }

   private:
    __m512 level_;
  };
};

struct SignCode {
  static constexpr Format kFormat = Format::one_bit;
  static constexpr bool kIsScaled = true;

  struct Encoder {
    Encoder(const LevelIndex*, float) {}
    void encode(const float* x, std::uint8_t* codes) const {
      const __mmask64 signs = _mm512_movepi8_mask(transposed_groups(packed_signs(x)));
      __builtin_memcpy(codes, &signs, sizeof(signs));
    }
  };
  struct Decoder {
    explicit Decoder(const LevelIndex*) {}
    void decode(const std::uint8_t* codes, float scale, __m512* value) const {
      for (int part = 0; part < kParts; ++part) {
        __mmask16 signs;
        __builtin_memcpy(&signs, codes + part * kLanes / 8, sizeof(signs));
        value[part] = _mm512_mask_blend_ps(signs, _mm512_set1_ps(scale), _mm512_set1_ps(-scale));
      }
    }
  };
};

// Sixteen codes of 16 bits.
__m256i load_half(const std::uint8_t* codes, int part) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes) + part);
}

void store_half(std::uint8_t* codes, int part, __m256i half) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(codes) + part, half);
}

struct Bf16Code : PlainCode<Avx512> {
  static constexpr Format kFormat = Format::bf16;

  struct Encoder : Stateless {
    using Stateless::Stateless;
    // kernels::from_float(), with the code in the upper half.
    static __m512i rounded(__m512 values) {
      const __m512i bits = _mm512_castps_si512(values);
      const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
      const __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF)));
      const __mmask16 is_nan = _mm512_cmp_ps_mask(values, values, _CMP_UNORD_Q);
      return _mm512_mask_or_epi32(up, is_nan, bits, _mm512_set1_epi32(0x40'0000));
    }
    void encode(const float* x, std::uint8_t* codes) const {
      for (int part = 0; part < kParts; ++part) {
        const __m512i upper = _mm512_srli_epi32(rounded(_mm512_loadu_ps(x + part * kLanes)), 16);
        store_half(codes, part, _mm512_cvtepi32_epi16(upper));
      }
    }
  };
  struct Decoder : Stateless {
    using Stateless::Stateless;
    void decode(const std::uint8_t* codes, float, __m512* value) const {
      for (int part = 0; part < kParts; ++part)
        value[part] =
            _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load_half(codes, part)), 16));
    }
  };
};

struct Fp16Code : PlainCode<Avx512> {
  static constexpr Format kFormat = Format::fp16;

  struct Encoder : Stateless {
    using Stateless::Stateless;
    void encode(const float* x, std::uint8_t* codes) const {
      for (int part = 0; part < kParts; ++part)
        store_half(codes, part,
                   _mm512_cvtps_ph(_mm512_loadu_ps(x + part * kLanes), _MM_FROUND_TO_NEAREST_INT));
    }
  };
  struct Decoder : Stateless {
    using Stateless::Stateless;
    void decode(const std::uint8_t* codes, float, __m512* value) const {
      for (int part = 0; part < kParts; ++part) value[part] = _mm512_cvtph_ps(load_half(codes, part));
    }
    // The conversion sets the bit that makes a NaN quiet: where the code has it not, it goes again.
    static __m512 mended(__m512 values, const std::uint8_t* codes, int part) {
      const __mmask16 is_nan = _mm512_cmp_ps_mask(values, values, _CMP_UNORD_Q);
      const __m512i code = _mm512_slli_epi32(_mm512_cvtepu16_epi32(load_half(codes, part)), 13);
      const __m512i lost = _mm512_andnot_si512(code, _mm512_set1_epi32(0x40'0000));
      return _mm512_mask_andnot_ps(values, is_nan, _mm512_castsi512_ps(lost), values);
    }
  };
};

template <class Code>
Primitives of(decltype(Primitives::measure) measure) {
  return primitives_from<Avx512, Code>(measure);
}

template <Format kFormat, class LevelsOf>
Primitives of_bytes() {
  return of<ByteCode<kFormat, LevelsOf>>(measure_largest);
}

}  // namespace

Primitives avx512_primitives(Format format) {
  switch (format) {
    case Format::fp32:
      return of<Fp32Code<Avx512>>(measure_nothing<Avx512>);
    case Format::bf16:
      return of<Bf16Code>(measure_nothing<Avx512>);
    case Format::fp16:
      return of<Fp16Code>(measure_nothing<Avx512>);
    case Format::linear4:
      return of<NibbleCode>(measure_largest);
    case Format::one_bit:
      return of<SignCode>(measure_sum<Avx512>);
    case Format::linear8:
      return of_bytes<Format::linear8, EachLevel<LinearLevel<127>>>();
    case Format::static_tree8:
      return of_bytes<Format::static_tree8, LineLevels<Format::static_tree8, 2>>();
    case Format::mantissa8:
      return of_bytes<Format::mantissa8, LineLevels<Format::mantissa8, 2>>();
    case Format::fp8_e4m3:
      return of_bytes<Format::fp8_e4m3, EachLevel<FloatLevel<Format::fp8_e4m3, 3>>>();
    case Format::fp8_e5m2:
      return of_bytes<Format::fp8_e5m2, EachLevel<FloatLevel<Format::fp8_e5m2, 2>>>();
    case Format::dynamic_tree8:
      return of_bytes<Format::dynamic_tree8, LineLevels<Format::dynamic_tree8, 1>>();
  }
  return avx2_primitives(format);
}

}  // namespace eightfold::quant8::host
