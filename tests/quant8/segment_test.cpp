#include "quant8/segment.hpp"

#include "kernels/base/error.hpp"
#include "tests/quant8/support.hpp"
#include "tests/support/test.hpp"

#include <cstring>

using namespace eightfold;
using namespace eightfold::quant8;
using namespace eightfold::quant8::testing;

namespace {

// The message of the DataError that `body` throws; empty if it throws none.
template <class Body>
std::string complaint(const Body& body) {
  try {
    body();
  } catch (const base::DataError& error) {
    return error.what();
  }
  return "";
}

std::string header_complaint(std::span<const std::byte> segment, const Header& expected) {
  return complaint([&] { check_header(segment, expected, "rank 3", "rank 1"); });
}

Segment some_segment(const Encoding& encoding, std::uint16_t sequence = 7) {
  Random random(1);
  const Floats values = random_values(300, [&] { return random.normal(); });
  return encode(*make_codec({}, encoding), values, {sequence, {}});
}

}  // namespace

TEST_CASE("a header says what follows, byte by byte") {
  const Segment segment = some_segment({Format::linear8, Scaling::block, true}, 0x1234);
  const std::vector<unsigned> expected{0xE8, 1, 4, 1, 0x00, 0x01, 0x34, 0x12, 0x2C, 0x01, 0, 0, 0, 0, 0, 0};
  for (std::size_t i = 0; i < expected.size(); ++i)
    CHECK(std::to_integer<unsigned>(segment.data()[i]) == expected[i]);
}

TEST_CASE("the header that is expected passes") {
  for (const Format format : all_formats()) {
    const Encoding encoding{format, Scaling::block, true};
    const Segment segment = some_segment(encoding);
    CHECK(header_complaint(segment, header_of(encoding, 7, 300)).empty());
    check_hash(segment, encoding, 300, "rank 3");
  }
}

TEST_CASE("a header that differs names both sides and what they have") {
  const Segment segment = some_segment({Format::linear8});
  CHECK(header_complaint(segment, header_of({Format::dynamic_tree8}, 7, 300)) ==
        "rank 3 sent message 7 with 300 elements of linear8, blocks of 256, no hash, "
        "rank 1 expects message 7 with 300 elements of dynamic-tree8, blocks of 256, no hash");
  CHECK_FALSE(header_complaint(segment, header_of({Format::linear8}, 8, 300)).empty());
  CHECK_FALSE(header_complaint(segment, header_of({Format::linear8}, 7, 301)).empty());
  CHECK_FALSE(header_complaint(segment, header_of({Format::linear8, Scaling::tensor}, 7, 300)).empty());
  CHECK_FALSE(header_complaint(segment, header_of({Format::linear8, Scaling::block, true}, 7, 300)).empty());
}

TEST_CASE("what is no segment, another version or another length is said to be so") {
  const Header expected = header_of({Format::linear8}, 7, 300);
  Segment segment = some_segment({Format::linear8});
  CHECK(header_complaint(segment.view().first(15), expected).find("rank 3 sent 15 bytes") == 0);
  CHECK(
      header_complaint(segment.view().first(32), expected).find("rank 3 sent 32 bytes, rank 1 expects 336") ==
      0);
  segment.data()[1] = std::byte{2};
  CHECK(header_complaint(segment, expected).find("rank 3 sent wire format 2") == 0);
  segment.data()[0] = std::byte{0x41};
  CHECK(header_complaint(segment, expected).find("rank 3 sent no segment (it begins with 0x41)") == 0);
}

TEST_CASE("the hash finds every flipped bit") {
  const Encoding encoding{Format::dynamic_tree8, Scaling::block, true};
  Segment segment = some_segment(encoding);
  std::size_t missed = 0;
  for (std::size_t bit = 0; bit < 8 * segment.size(); ++bit) {
    const auto flip = static_cast<std::byte>(1U << (bit % 8));
    segment.data()[bit / 8] ^= flip;
    missed += complaint([&] { check_hash(segment, encoding, 300, "rank 3"); }).empty();
    segment.data()[bit / 8] ^= flip;
  }
  CHECK(missed == 0);
}

TEST_CASE("padding is zero whatever the memory held") {
  for (const Format format : all_formats()) {
    const auto codec = make_codec({}, {format});
    const Floats values(257, 1.0F);
    Segment segment(codec->wire_bytes(257));
    std::memset(segment.data(), 0xFF, segment.size());
    codec->encode(host_stream(), values, {}, {}, segment);
    CAPTURE(to_string(format));
    CHECK(segment == encode(*codec, values));
    CHECK(segment == encode(*make_reference_codec({format}), values));
  }
}
