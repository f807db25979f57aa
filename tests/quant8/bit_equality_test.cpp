// Every implementation of the host against the reference, on as many random bits as there is time for.
#include "quant8/codec.hpp"
#include "tests/quant8/support.hpp"
#include "tests/support/test.hpp"

using namespace eightfold;
using namespace eightfold::quant8;
using namespace eightfold::quant8::testing;

namespace {

// Blocks of three kinds: any bits at all; numbers of any size; numbers that share a scale of any size.
void fill_block(Random& random, std::span<float> block) {
  const std::uint32_t kind = random.word() % 4;
  const std::uint32_t top = random.word() % 255;  // of the biased exponents that are numbers
  for (float& value : block) {
    const std::uint32_t bits = random.word();
    const std::uint32_t below = bits % 32 < top ? bits % 32 : top;
    const std::uint32_t exponent = kind == 1 ? (bits >> 23 & 0xFF) % 255 : top - below;
    value = std::bit_cast<float>(kind == 0 ? bits : (bits & 0x807F'FFFFU) | exponent << 23);
  }
}

// The elements of `count` whose bytes or values differ from the reference's.
std::size_t compare(Format format, std::size_t count, std::uint64_t seed) {
  constexpr std::size_t kPiece = std::size_t{1} << 16;
  const auto reference = make_reference_codec({format});
  std::vector<std::unique_ptr<Codec>> codecs;
  for (const host::Instructions instructions : host::available_instructions())
    codecs.push_back(host::make_codec({format}, Rounding::nearest, instructions));
  Random random(seed);
  Floats values(kPiece);
  std::size_t wrong = 0;
  for (std::size_t done = 0; done < count; done += kPiece) {
    for (std::size_t first = 0; first < kPiece; first += 256)
      fill_block(random, std::span(values).subspan(first, 256));
    const Segment segment = encode(*reference, values);
    const Floats decoded = decode(*reference, segment, kPiece);
    for (const auto& codec : codecs) {
      const Segment found = encode(*codec, values);
      for (std::size_t i = 0; i < found.size(); ++i) wrong += found.data()[i] != segment.data()[i];
      wrong += differences(decode(*codec, segment, kPiece), decoded);
    }
  }
  return wrong;
}

// The numbers from 0 to 1 whose codes of 8 bits are not their nearest level, in blocks with the scale 1.
std::size_t count_wrong_levels(Format format, const Codec& codec) {
  constexpr std::size_t kPiece = std::size_t{1} << 16;
  const LevelTable table = make_table(levels_of(format));
  const auto end = std::bit_cast<std::uint32_t>(1.0F);
  Floats values(kPiece, 1.0F);
  Segment segment(codec.wire_bytes(kPiece));
  const std::byte* codes = segment.data() + layout_of({format}, kPiece).codes;
  std::size_t wrong = 0;
  int level = 0;
  for (std::uint32_t first = 0; first < end; first += kPiece / kBlock * (kBlock - 1)) {
    std::uint32_t bits = first;
    for (std::size_t i = 0; i < kPiece; ++i)
      if (i % kBlock != 0) values[i] = std::bit_cast<float>(std::min(bits++, end));
    codec.encode(host_stream(), values, {}, {}, segment);
    for (std::size_t i = 0; i < kPiece; ++i) {
      if (i % kBlock == 0) continue;
      while (table.threshold[level] < values[i]) ++level;
      wrong += std::to_integer<int>(codes[i]) != level;
    }
  }
  return wrong;
}

}  // namespace

TEST_CASE("random bits of all kinds are encoded and decoded alike by every implementation") {
  for (const Format format : all_formats()) {
    CAPTURE(to_string(format));
    CHECK(compare(format, 1 << 17, 1) == 0);
  }
}

TEST_CASE("a thousand million random bits are encoded and decoded alike by every implementation",
          "[.nightly]") {
  for (const Format format : {Format::dynamic_tree8, Format::linear8}) {
    CAPTURE(to_string(format));
    CHECK(compare(format, 1'000'000'000, 2) == 0);
  }
}

TEST_CASE("every number from 0 to 1 gets the code of its nearest level from every implementation",
          "[.nightly]") {
  for (const Format format : formats_with_levels()) {
    if (bits_of(format) != 8) continue;
    for (const host::Instructions instructions : host::available_instructions()) {
      CAPTURE(to_string(format), to_string(instructions));
      CHECK(count_wrong_levels(format, *host::make_codec({format}, Rounding::nearest, instructions)) == 0);
    }
  }
}
