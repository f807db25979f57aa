#pragma once

// The loops of host/avx2.cpp and host/avx512.cpp, over some registers at a time. Both are compiled for their
// instructions whatever the rest is compiled for. So nothing there may instantiate an inline function that
// other units use as well: the linker would keep one copy, perhaps theirs. The parameters of these templates
// are types of one unit alone.
//
// Isa is an instruction set: its Register of kLanes floats, and what can be done with one.
// Code is the code of a format, for kParts registers at a time:
//   Encoder(index, inverse_scale)  encode(x, codes)
//   Decoder(index)                 decode(codes, scale, values), where a NaN has any bits
// It has a kFormat and says whether it kIsScaled: then a NaN becomes canonical, else it is the Decoder that
// has it mended().

#include "quant8/host/primitives.hpp"

#include <cstdint>

namespace eightfold::quant8::host {

inline constexpr int kParts = 4;  // registers of a step

template <class Isa, class Code>
struct Loops {
  using Register = typename Isa::Register;
  static constexpr std::int64_t kLanes = Isa::kLanes;
  static constexpr std::int64_t kStep = kParts * kLanes;

  static constexpr std::int64_t kBits = bits_of(Code::kFormat);
  static std::int64_t bytes(std::int64_t elements) { return elements * kBits / 8; }
  static Primitives rest() { return portable_primitives(Code::kFormat); }

  static void encode(const LevelIndex* index, const float* x, std::int64_t n, float inverse_scale,
                     std::uint8_t* codes) {
    const typename Code::Encoder encoder(index, inverse_scale);
    std::int64_t i = 0;
    for (; i + kStep <= n; i += kStep) {
      // The hardware's prefetcher, which stops at a page's end, has little to do while a block is read again.
      if constexpr (has_scales(Code::kFormat))
        for (int part = 0; part < kParts; ++part) Isa::fetch(x + i + part * kLanes);
      encoder.encode(x + i, codes + bytes(i));
    }
    if (i < n) rest().encode(index, x + i, n - i, inverse_scale, codes + bytes(i));
  }

  static void decode(const LevelIndex* index, const EncodedBlock& block, std::int64_t n, float* y,
                     Store store) {
    const bool is_streamed =
        store == Store::streaming && reinterpret_cast<std::uintptr_t>(y) % sizeof(Register) == 0;
    const std::int64_t i =
        is_streamed ? decode_to<Isa::stream>(index, block, n, y) : decode_to<Isa::store>(index, block, n, y);
    if (i < n) rest().decode(index, {block.codes + bytes(i), block.scale}, n - i, y + i, store);
  }

  static void decode_add(const LevelIndex* index, const EncodedBlock* blocks, std::size_t count,
                         std::int64_t n, float* y) {
    const typename Code::Decoder decoder(index);
    std::int64_t i = 0;
    for (; i + kStep <= n; i += kStep) {
      Register sum[kParts];
      for (int part = 0; part < kParts; ++part) sum[part] = Isa::load(y + i + part * kLanes);
      for (std::size_t b = 0; b < count; ++b) {
        Register value[kParts];
        decoder.decode(blocks[b].codes + bytes(i), blocks[b].scale, value);
        for (int part = 0; part < kParts; ++part) sum[part] = Isa::add(sum[part], value[part]);
      }
      for (int part = 0; part < kParts; ++part) Isa::store(y + i + part * kLanes, sum[part]);
    }
    for (std::size_t b = 0; i < n && b < count; ++b) {
      const EncodedBlock left{blocks[b].codes + bytes(i), blocks[b].scale};
      rest().decode_add(index, &left, 1, n - i, y + i);
    }
  }

 private:
  static Register mended(Register value, const std::uint8_t* codes, int part) {
    if constexpr (Code::kIsScaled)
      return Isa::canonical(value);
    else
      return Code::Decoder::mended(value, codes, part);
  }

  // Returns how many elements it has decoded.
  template <void (*kWrite)(float*, Register)>
  static std::int64_t decode_to(const LevelIndex* index, const EncodedBlock& block, std::int64_t n,
                                float* y) {
    const typename Code::Decoder decoder(index);
    std::int64_t i = 0;
    for (; i + kStep <= n; i += kStep) {
      Register value[kParts];
      decoder.decode(block.codes + bytes(i), block.scale, value);
      for (int part = 0; part < kParts; ++part)
        kWrite(y + i + part * kLanes, mended(value[part], block.codes + bytes(i), part));
    }
    return i;
  }
};

template <class Isa, class Code>
Primitives primitives_from(decltype(Primitives::measure) measure) {
  using Of = Loops<Isa, Code>;
  return {measure, Of::encode, Of::decode, Of::decode_add};
}

// What codes without a scale share.
template <class Isa>
struct PlainCode {
  static constexpr bool kIsScaled = false;
  struct Stateless {
    explicit Stateless(const LevelIndex*, float = 1) {}
    static typename Isa::Register mended(typename Isa::Register values, const std::uint8_t*, int) {
      return values;
    }
  };
};

template <class Isa>
struct Fp32Code : PlainCode<Isa> {
  using Stateless = typename PlainCode<Isa>::Stateless;
  static constexpr Format kFormat = Format::fp32;

  struct Encoder : Stateless {
    using Stateless::Stateless;
    void encode(const float* x, std::uint8_t* codes) const {
      for (int part = 0; part < kParts; ++part)
        Isa::store(reinterpret_cast<float*>(codes) + part * Isa::kLanes, Isa::load(x + part * Isa::kLanes));
    }
  };
  struct Decoder : Stateless {
    using Stateless::Stateless;
    void decode(const std::uint8_t* codes, float, typename Isa::Register* value) const {
      for (int part = 0; part < kParts; ++part)
        value[part] = Isa::load(reinterpret_cast<const float*>(codes) + part * Isa::kLanes);
    }
  };
};

inline constexpr std::int64_t kHalf = kBlock / 2;

// The sum of a block's magnitudes, as mean_scale_of() wants it, and their largest.
template <class Isa>
void measure_sum(const float* x, std::int64_t n, Extent& extent) {
  using Register = typename Isa::Register;
  constexpr std::int64_t kLanes = Isa::kLanes;
  if (n != kBlock) return portable_primitives(Format::one_bit).measure(x, n, extent);
  Register sum[kHalf / kLanes], largest = Isa::zero();
  // In the order of addresses, for the processor fetches ahead along them.
  for (std::int64_t i = 0; i < kHalf; i += kLanes) sum[i / kLanes] = Isa::magnitude(Isa::load(x + i));
  for (std::int64_t i = 0; i < kHalf; i += kLanes) {
    const Register lower = sum[i / kLanes], upper = Isa::magnitude(Isa::load(x + kHalf + i));
    largest = Isa::larger_bits(largest, Isa::larger_bits(lower, upper));
    sum[i / kLanes] = Isa::add(lower, upper);
  }
  for (std::int64_t width = kHalf / kLanes / 2; width > 0; width /= 2)
    for (std::int64_t i = 0; i < width; ++i) sum[i] = Isa::add(sum[i], sum[i + width]);
  alignas(64) float lane[kLanes];
  Isa::store(lane, sum[0]);
  for (std::int64_t width = kLanes / 2; width > 0; width /= 2)
    for (std::int64_t i = 0; i < width; ++i) lane[i] += lane[i + width];
  extent.sum += static_cast<double>(lane[0]);
  const std::uint32_t found = Isa::largest_bits(largest);
  extent.largest = found > extent.largest ? found : extent.largest;
}

template <class Isa>
void measure_nothing(const float*, std::int64_t, Extent&) {}

}  // namespace eightfold::quant8::host
