// A segment as it may come from a broken peer. Four bytes say what the receiver expects: format, flags (1:
// one scale for the segment, 2: with a hash, 4: header and hash are made right, so that what lies between is
// decoded), the number of elements (little endian). The segment follows. Whatever passes the checks is
// decoded by every codec of the host, to the bits of the reference, within the segment and the values.
#include "kernels/base/error.hpp"
#include "quant8/host/codec.hpp"
#include "quant8/reference.hpp"
#include "quant8/segment.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

namespace {

using namespace eightfold::quant8;
namespace kernels = eightfold::kernels;
using eightfold::fuzz::Input;
using Codecs = std::vector<std::unique_ptr<Codec>>;

constexpr std::uint16_t kSequence = 258;

struct Expected {
  Encoding encoding;
  bool is_sealed;
  std::int64_t elements;
};

Expected expected_of(Input head) {
  const Format format = all_formats()[head[0] % all_formats().size()];
  return {{format, (head[1] & 1) != 0 ? Scaling::tensor : Scaling::block, (head[1] & 2) != 0},
          (head[1] & 4) != 0,
          (head[2] | head[3] << 8) % 2100};
}

// The reference first. Codecs are made once: they have no state.
const Codecs& codecs_of(const Encoding& encoding) {
  static std::vector<std::pair<Encoding, Codecs>> known;
  for (const auto& [its, codecs] : known)
    if (its == encoding) return codecs;
  Codecs codecs;
  codecs.push_back(make_reference_codec(encoding));
  for (const host::Instructions each : host::available_instructions())
    codecs.push_back(host::make_codec(encoding, Rounding::nearest, each));
  return known.emplace_back(encoding, std::move(codecs)).second;
}

// The bytes, aligned as a receiver's buffer is; sealed they have the length, the header and the hash of a
// segment.
std::vector<std::byte> segment_of(Input bytes, const Expected& expected) {
  std::vector<std::byte> segment(bytes.size());
  if (!bytes.empty()) std::memcpy(segment.data(), bytes.data(), bytes.size());
  if (!expected.is_sealed) return segment;
  segment.resize(wire_bytes(expected.encoding, expected.elements));
  segment.shrink_to_fit();
  const Header header = header_of(expected.encoding, kSequence, expected.elements);
  std::memcpy(segment.data(), &header, sizeof(header));
  write_hash(segment, expected.encoding, expected.elements);
  return segment;
}

bool is_same(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}

void check_same(std::span<const float> values, std::span<const float> reference, const Encoding& encoding) {
  eightfold::base::require(std::ranges::equal(values, reference, is_same),
                           "codecs of {} decode to different bits", to_string(encoding.format));
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 4) return 0;
  const Expected expected = expected_of({bytes, 4});
  const std::vector<std::byte> segment = segment_of({bytes + 4, size - 4}, expected);
  const Header header = header_of(expected.encoding, kSequence, expected.elements);
  const auto check = [&] {
    check_header(segment, header, "rank 1", "rank 0");
    check_hash(segment, expected.encoding, expected.elements, "rank 1");
  };
  if (!eightfold::fuzz::accepts(eightfold::fuzz::twice(0), check)) return 0;

  const kernels::StreamView stream{kernels::Device{}, nullptr};
  const auto elements = static_cast<std::size_t>(expected.elements);
  std::vector<float> decoded(elements), summed(elements, 1.5F);
  for (bool is_reference = true; const auto& codec : codecs_of(expected.encoding)) {
    std::vector<float> values(elements), sums(elements, 1.5F);
    const eightfold::fuzz::MemoryLimit nothing{0, 0};
    const auto limit = is_reference ? eightfold::fuzz::twice(4 * elements) : nothing;
    const bool works = eightfold::fuzz::accepts(limit, [&] {
      codec->decode(stream, segment, values);
      codec->decode_add(stream, segment, sums);
    });
    eightfold::base::require(works, "a segment that was accepted is not decoded");
    if (is_reference) {
      decoded = values;
      summed = sums;
      is_reference = false;
    }
    check_same(values, decoded, expected.encoding);
    check_same(sums, summed, expected.encoding);
  }
  return 0;
}
