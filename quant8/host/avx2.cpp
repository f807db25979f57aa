// Compiled for AVX2, FMA and F16C; host/loops.hpp says what that forbids.

#include "quant8/host/loops.hpp"

#include <immintrin.h>

namespace eightfold::quant8::host {
namespace {

struct Avx2 {
  using Register = __m256;
  static constexpr std::int64_t kLanes = 8;

  static __m256 zero() { return _mm256_setzero_ps(); }
  static __m256 load(const float* x) { return _mm256_loadu_ps(x); }
  static void store(float* y, __m256 values) { _mm256_storeu_ps(y, values); }
  static void stream(float* y, __m256 values) { _mm256_stream_ps(y, values); }
  static __m256 add(__m256 a, __m256 b) { return _mm256_add_ps(a, b); }
  static __m256 magnitude(__m256 values) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0F), values); }
  static __m256 canonical(__m256 result) {
    const __m256 nan = _mm256_castsi256_ps(_mm256_set1_epi32(kCanonicalNanBits));
    return _mm256_blendv_ps(result, nan, _mm256_cmp_ps(result, result, _CMP_UNORD_Q));
  }
  // Of numbers without a sign.
  static __m256 larger_bits(__m256 a, __m256 b) {
    return _mm256_castsi256_ps(_mm256_max_epi32(_mm256_castps_si256(a), _mm256_castps_si256(b)));
  }
  static std::uint32_t largest_bits(__m256 values) {
    alignas(32) std::uint32_t lane[kLanes];
    _mm256_store_si256(reinterpret_cast<__m256i*>(lane), _mm256_castps_si256(values));
    std::uint32_t result = 0;
    for (const std::uint32_t bits : lane) result = bits > result ? bits : result;
    return result;
  }
  // Left to the hardware.
  static void fetch(const float*) {}
};

constexpr std::int64_t kLanes = Avx2::kLanes;

void measure_largest(const float* x, std::int64_t n, Extent& extent) {
  __m256 largest = Avx2::zero();
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    largest = Avx2::larger_bits(largest, Avx2::magnitude(Avx2::load(x + i)));
  const std::uint32_t found = Avx2::largest_bits(largest);
  extent.largest = found > extent.largest ? found : extent.largest;
  if (i < n) portable_primitives(Format::linear8).measure(x + i, n - i, extent);
}

// These two as in host/avx512.cpp.
template <int kSteps>
struct LinearLevel {
  explicit LinearLevel(const LevelIndex*) {}
  __m256i operator()(__m256 y) const {
    const __m256 sum = _mm256_fmadd_ps(y, _mm256_set1_ps(kSteps), _mm256_set1_ps(0x1p23F));
    return _mm256_and_si256(_mm256_castps_si256(sum), _mm256_set1_epi32(0x7F));
  }
};

template <Format kFormat, int kMantissa>
struct FloatLevel {
  static constexpr Fractions kLevels = levels_of(kFormat);
  static constexpr float kLargest = static_cast<float>(kLevels.denominator);
  static constexpr int kFirstBinade = (127 + kMantissa) << 23;

  explicit FloatLevel(const LevelIndex*) {}
  __m256i operator()(__m256 y) const {
    const __m256 factor = _mm256_set1_ps(kLargest);
    const __m256i product = _mm256_castps_si256(_mm256_mul_ps(y, factor));
    const __m256i binade = _mm256_max_epi32(_mm256_and_si256(product, _mm256_set1_epi32(0x7F80'0000)),
                                            _mm256_set1_epi32(kFirstBinade));
    const __m256i unit = _mm256_add_epi32(binade, _mm256_set1_epi32((23 - kMantissa) << 23));
    const __m256i sum = _mm256_castps_si256(_mm256_fmadd_ps(y, factor, _mm256_castsi256_ps(unit)));
    const __m256i below =
        _mm256_srli_epi32(_mm256_sub_epi32(binade, _mm256_set1_epi32(kFirstBinade)), 23 - kMantissa);
    return _mm256_add_epi32(below, _mm256_sub_epi32(sum, unit));
  }
};

// LevelIndex::nearest(): the bucket's first level, and one more above its threshold.
class IndexedLevel {
 public:
  explicit IndexedLevel(const LevelIndex* index) : index_(*index) {}
  __m256i operator()(__m256 y) const {
    const __m256i upper = _mm256_srli_epi32(_mm256_castps_si256(y), LevelIndex::kShift);
    const __m256i clamped =
        _mm256_min_epi32(_mm256_max_epi32(upper, _mm256_set1_epi32(LevelIndex::kSmallest)),
                         _mm256_set1_epi32(LevelIndex::kLargest));
    const __m256i bucket = _mm256_sub_epi32(clamped, _mm256_set1_epi32(LevelIndex::kSmallest));
    const __m256i words = _mm256_i32gather_epi32(reinterpret_cast<const int*>(&index_.first), bucket, 1);
    const __m256i level = _mm256_and_si256(words, _mm256_set1_epi32(0xFF));
    const __m256 threshold = _mm256_i32gather_ps(index_.levels.threshold, level, sizeof(float));
    const __m256 above = _mm256_cmp_ps(threshold, y, _CMP_LT_OQ);  // -1 as an integer
    return _mm256_sub_epi32(level, _mm256_castps_si256(above));
  }

 private:
  const LevelIndex& index_;
};

// Codes of kBits, a sign above a level, as bytes.
template <class Level, int kBits>
class LevelEncoder {
 public:
  LevelEncoder(const LevelIndex* index, float inverse_scale)
      : level_(index), inverse_scale_(_mm256_set1_ps(inverse_scale)) {}

  __m256i bytes_of(const float* x) const {
    __m256i code[kParts];
    for (int part = 0; part < kParts; ++part) {
      const __m256 values = _mm256_loadu_ps(x + part * kLanes);
      const __m256i levels = level_(_mm256_mul_ps(Avx2::magnitude(values), inverse_scale_));
      const __m256i sign = _mm256_slli_epi32(_mm256_srli_epi32(_mm256_castps_si256(values), 31), kBits - 1);
      code[part] = _mm256_or_si256(levels, sign);
    }
    const __m256i bytes =
        _mm256_packus_epi16(_mm256_packs_epi32(code[0], code[1]), _mm256_packs_epi32(code[2], code[3]));
    // Packing works within halves of a register.
    return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  }

 private:
  Level level_;
  __m256 inverse_scale_;
};

// Changes the sign of values where the codes have `bit`.
__m256 with_sign(__m256 values, __m256i codes, int bit) {
  const __m256i sign = _mm256_slli_epi32(_mm256_srli_epi32(codes, bit), 31);
  return _mm256_xor_ps(values, _mm256_castsi256_ps(sign));
}

template <Format kFormatOfCode, class Level>
struct ByteCode {
  static constexpr Format kFormat = kFormatOfCode;
  static constexpr bool kIsScaled = true;

  struct Encoder : LevelEncoder<Level, 8> {
    using LevelEncoder<Level, 8>::LevelEncoder;
    void encode(const float* x, std::uint8_t* codes) const {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(codes), this->bytes_of(x));
    }
  };
  class Decoder {
   public:
    explicit Decoder(const LevelIndex* index) : levels_(index->levels.level) {}
    void decode(const std::uint8_t* codes, float scale, __m256* value) const {
      for (int part = 0; part < kParts; ++part) {
        const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes + part * kLanes));
        const __m256i code = _mm256_cvtepu8_epi32(bytes);
        const __m256i level = _mm256_and_si256(code, _mm256_set1_epi32(0x7F));
        const __m256 magnitude = _mm256_i32gather_ps(levels_, level, sizeof(float));
        value[part] = with_sign(_mm256_mul_ps(magnitude, _mm256_set1_ps(scale)), code, 7);
      }
    }

   private:
    const float* levels_;
  };
};

struct NibbleCode {
  static constexpr Format kFormat = Format::linear4;
  static constexpr bool kIsScaled = true;

  struct Encoder : LevelEncoder<LinearLevel<7>, 4> {
    using LevelEncoder::LevelEncoder;
    void encode(const float* x, std::uint8_t* codes) const {
      const __m256i pairs = _mm256_maddubs_epi16(bytes_of(x), _mm256_set1_epi16(0x1001));  // 1 and 16 times
      const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packus_epi16(pairs, pairs), 0b1000);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(codes), _mm256_castsi256_si128(bytes));
    }
  };

  // A permute looks up eight codes among their magnitudes, and uses only their last three bits.
  class Decoder {
   public:
    explicit Decoder(const LevelIndex* index) : level_(_mm256_loadu_ps(index->levels.level)) {}
    void decode(const std::uint8_t* codes, float scale, __m256* value) const {
      const __m256 magnitudes = _mm256_mul_ps(level_, _mm256_set1_ps(scale));
      for (int part = 0; part < kParts; ++part) {
        std::int32_t bytes;
        __builtin_memcpy(&bytes, codes + part * kLanes / 2, sizeof(bytes));
        const __m256i first = _mm256_cvtepu8_epi64(_mm_cvtsi32_si128(bytes));
        const __m256i code = _mm256_or_si256(first, _mm256_slli_epi64(first, 28));
        value[part] = with_sign(_mm256_permutevar8x32_ps(magnitudes, code), code, 3);
      }
    }

   private:
    __m256 level_;
  };
};

struct SignCode {
  static constexpr Format kFormat = Format::one_bit;
  static constexpr bool kIsScaled = true;

  struct Encoder {
    Encoder(const LevelIndex*, float) {}
    void encode(const float* x, std::uint8_t* codes) const {
      for (int part = 0; part < kParts; ++part)
        codes[part] = static_cast<std::uint8_t>(_mm256_movemask_ps(_mm256_loadu_ps(x + part * kLanes)));
    }
  };
  struct Decoder {
    explicit Decoder(const LevelIndex*) {}
    void decode(const std::uint8_t* codes, float scale, __m256* value) const {
      const __m256i to_top = _mm256_setr_epi32(31, 30, 29, 28, 27, 26, 25, 24);
      for (int part = 0; part < kParts; ++part) {
        const __m256 signs = _mm256_castsi256_ps(_mm256_sllv_epi32(_mm256_set1_epi32(codes[part]), to_top));
        value[part] = _mm256_xor_ps(_mm256_set1_ps(scale), _mm256_and_ps(signs, _mm256_set1_ps(-0.0F)));
      }
    }
  };
};

// Eight codes of 16 bits.
__m128i load_half(const std::uint8_t* codes, int part) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(codes) + part);
}
void store_half(std::uint8_t* codes, int part, __m128i half) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(codes) + part, half);
}

struct Bf16Code : PlainCode<Avx2> {
  static constexpr Format kFormat = Format::bf16;

  struct Encoder : Stateless {
    using Stateless::Stateless;
    // kernels::from_float(), with the code in the upper half.
    static __m256i rounded(__m256 values) {
      const __m256i bits = _mm256_castps_si256(values);
      const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
      const __m256i up = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF)));
      const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x40'0000));
      const __m256 is_nan = _mm256_cmp_ps(values, values, _CMP_UNORD_Q);
      return _mm256_blendv_epi8(up, quiet, _mm256_castps_si256(is_nan));
    }
    void encode(const float* x, std::uint8_t* codes) const {
      for (int part = 0; part < kParts; ++part) {
        const __m256i upper = _mm256_srli_epi32(rounded(_mm256_loadu_ps(x + part * kLanes)), 16);
        const __m256i bits = _mm256_permute4x64_epi64(_mm256_packus_epi32(upper, upper), 0b1000);
        store_half(codes, part, _mm256_castsi256_si128(bits));
      }
    }
  };
  struct Decoder : Stateless {
    using Stateless::Stateless;
    void decode(const std::uint8_t* codes, float, __m256* value) const {
      for (int part = 0; part < kParts; ++part)
        value[part] =
            _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(load_half(codes, part)), 16));
    }
  };
};

struct Fp16Code : PlainCode<Avx2> {
  static constexpr Format kFormat = Format::fp16;

  struct Encoder : Stateless {
    using Stateless::Stateless;
    void encode(const float* x, std::uint8_t* codes) const {
      for (int part = 0; part < kParts; ++part)
        store_half(codes, part,
                   _mm256_cvtps_ph(_mm256_loadu_ps(x + part * kLanes), _MM_FROUND_TO_NEAREST_INT));
    }
  };
  struct Decoder : Stateless {
    using Stateless::Stateless;
    void decode(const std::uint8_t* codes, float, __m256* value) const {
      for (int part = 0; part < kParts; ++part) value[part] = _mm256_cvtph_ps(load_half(codes, part));
    }
    // The conversion sets the bit that makes a NaN quiet: where the code has it not, it goes again.
    static __m256 mended(__m256 values, const std::uint8_t* codes, int part) {
      const __m256 is_nan = _mm256_cmp_ps(values, values, _CMP_UNORD_Q);
      const __m256i code = _mm256_slli_epi32(_mm256_cvtepu16_epi32(load_half(codes, part)), 13);
      const __m256i lost = _mm256_andnot_si256(code, _mm256_set1_epi32(0x40'0000));
      return _mm256_andnot_ps(_mm256_and_ps(is_nan, _mm256_castsi256_ps(lost)), values);
    }
  };
};

template <class Code>
Primitives of(decltype(Primitives::measure) measure) {
  return primitives_from<Avx2, Code>(measure);
}

template <Format kFormat, class Level>
Primitives of_bytes() {
  return of<ByteCode<kFormat, Level>>(measure_largest);
}

}  // namespace

Primitives avx2_primitives(Format format) {
  switch (format) {
    case Format::fp32:
      return of<Fp32Code<Avx2>>(measure_nothing<Avx2>);
    case Format::bf16:
      return of<Bf16Code>(measure_nothing<Avx2>);
    case Format::fp16:
      return of<Fp16Code>(measure_nothing<Avx2>);
    case Format::linear4:
      return of<NibbleCode>(measure_largest);
    case Format::one_bit:
      return of<SignCode>(measure_sum<Avx2>);
    case Format::linear8:
      return of_bytes<Format::linear8, LinearLevel<127>>();
    case Format::fp8_e4m3:
      return of_bytes<Format::fp8_e4m3, FloatLevel<Format::fp8_e4m3, 3>>();
    case Format::fp8_e5m2:
      return of_bytes<Format::fp8_e5m2, FloatLevel<Format::fp8_e5m2, 2>>();
    default:  // the other 8-bit tables, which the index tells apart
      return of_bytes<Format::dynamic_tree8, IndexedLevel>();
  }
}

}  // namespace eightfold::quant8::host
