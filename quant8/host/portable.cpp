// Plain C++, for any machine and for what is left of a block at a segment's end.

#include "quant8/host/primitives.hpp"

#include <algorithm>
#include <array>

namespace eightfold::quant8::host {
namespace {

// A sign above the index of a level.
template <int kBitsOfCode>
struct LevelCode {
  static constexpr int kBits = kBitsOfCode;
  static constexpr std::uint32_t kSign = 1U << (kBits - 1);
  using Word = std::uint8_t;

  static std::uint32_t encode(const LevelIndex* index, float x, float inverse_scale) {
    const int level = index->nearest(kernels::bit_cast<float>(magnitude_bits(x)) * inverse_scale);
    const std::uint32_t sign = kernels::bit_cast<std::uint32_t>(x) >> 31;
    return sign * kSign | static_cast<std::uint32_t>(level);
  }
  static float decode(const LevelIndex* index, std::uint32_t code, float scale) {
    const float magnitude = index->levels.level[code & (kSign - 1)] * scale;
    return canonical((code & kSign) != 0 ? -magnitude : magnitude);
  }
};

struct SignCode {
  static constexpr int kBits = 1;
  using Word = std::uint8_t;

  static std::uint32_t encode(const LevelIndex*, float x, float) {
    return kernels::bit_cast<std::uint32_t>(x) >> 31;
  }
  static float decode(const LevelIndex*, std::uint32_t code, float scale) {
    return canonical(code != 0 ? -scale : scale);
  }
};

// fp32, bf16 and fp16: each value by itself.
template <class Value>
struct PlainCode {
  static constexpr int kBits = 8 * sizeof(Value);
  using Word = Value;

  static Value encode(const LevelIndex*, float x, float) { return kernels::from_float<Value>(x); }
  static float decode(const LevelIndex*, Value code, float) { return kernels::to_float(code); }
};

// Codes of a byte or more lie one after the other, smaller ones from the lowest bit of a byte up.
template <class Code>
constexpr std::int64_t kCodesPerByte = std::max(8 / Code::kBits, 1);

template <class Code>
void encode(const LevelIndex* index, const float* x, std::int64_t n, float inverse_scale,
            std::uint8_t* codes) {
  using Word = typename Code::Word;
  auto* words = reinterpret_cast<Word*>(codes);
  if constexpr (kCodesPerByte<Code> == 1) {
    for (std::int64_t i = 0; i < n; ++i)
      words[i] = static_cast<Word>(Code::encode(index, x[i], inverse_scale));
  } else {
    for (std::int64_t i = 0; i < n; i += kCodesPerByte<Code>) {
      std::uint32_t byte = 0;
      const std::int64_t count = std::min(n - i, kCodesPerByte<Code>);
      for (std::int64_t k = 0; k < count; ++k)
        byte |= Code::encode(index, x[i + k], inverse_scale) << (k * Code::kBits);
      *words++ = static_cast<Word>(byte);
    }
  }
}

template <class Code>
float value_of(const LevelIndex* index, const EncodedBlock& block, std::int64_t i) {
  using Word = typename Code::Word;
  const Word word = reinterpret_cast<const Word*>(block.codes)[i / kCodesPerByte<Code>];
  if constexpr (kCodesPerByte<Code> == 1) {
    return Code::decode(index, word, block.scale);
  } else {
    const std::uint32_t code = static_cast<std::uint32_t>(word) >> (i % kCodesPerByte<Code> * Code::kBits);
    return Code::decode(index, code & ((1U << Code::kBits) - 1), block.scale);
  }
}

template <class Code>
void decode(const LevelIndex* index, const EncodedBlock& block, std::int64_t n, float* y, Store) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = value_of<Code>(index, block, i);
}

template <class Code>
void decode_add(const LevelIndex* index, const EncodedBlock* blocks, std::size_t count, std::int64_t n,
                float* y) {
  for (std::size_t b = 0; b < count; ++b)
    for (std::int64_t i = 0; i < n; ++i) y[i] += value_of<Code>(index, blocks[b], i);
}

void measure_largest(const float* x, std::int64_t n, Extent& extent) {
  std::uint32_t largest = extent.largest;
  for (std::int64_t i = 0; i < n; ++i) largest = std::max(largest, magnitude_bits(x[i]));
  extent.largest = largest;
}

void measure_sum(const float* x, std::int64_t n, Extent& extent) {
  std::array<float, static_cast<std::size_t>(kBlock)> folded{};
  for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i)
    folded[i] = kernels::bit_cast<float>(magnitude_bits(x[i]));
  for (std::size_t width = folded.size() / 2; width > 0; width /= 2)
    for (std::size_t i = 0; i < width; ++i) folded[i] += folded[i + width];
  measure_largest(x, n, extent);
  extent.sum += static_cast<double>(folded[0]);
}

void measure_nothing(const float*, std::int64_t, Extent&) {}

template <class Code>
constexpr Primitives of(decltype(Primitives::measure) measure) {
  return {measure, encode<Code>, decode<Code>, decode_add<Code>};
}

}  // namespace

Primitives portable_primitives(Format format) {
  switch (format) {
    case Format::fp32:
      return of<PlainCode<float>>(measure_nothing);
    case Format::bf16:
      return of<PlainCode<kernels::BFloat16>>(measure_nothing);
    case Format::fp16:
      return of<PlainCode<kernels::Float16>>(measure_nothing);
    case Format::linear4:
      return of<LevelCode<4>>(measure_largest);
    case Format::one_bit:
      return of<SignCode>(measure_sum);
    default:
      return of<LevelCode<8>>(measure_largest);
  }
}

}  // namespace eightfold::quant8::host
