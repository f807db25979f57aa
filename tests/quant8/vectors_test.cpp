// The published vectors, tests/quant8/vectors/*.json, against the codecs and against a decoder that knows
// docs/wire_format.md and nothing of quant8/. What the files hold is fixed: other programs read this format.
// `quant8_tests "the vectors are written anew"` encodes and decodes them once more, with the reference, and
// writes the files to the directory that the variable EIGHTFOLD_VECTORS names: after a new version of the
// format, and for an entry that was added with nothing but what it is made of.
#include "kernels/base/hash.hpp"
#include "quant8/segment.hpp"
#include "tests/quant8/support.hpp"
#include "tests/quant8/wire_decoder.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>

using namespace eightfold;
using namespace eightfold::quant8;
using namespace eightfold::quant8::testing;

namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint16_t kSequence = 0x0102;

struct Vector {
  std::string name;
  Encoding encoding;
  Rounding rounding = Rounding::nearest;
  Stamp stamp;
  std::optional<Floats> values;  // absent for what nobody sends
  std::vector<std::uint8_t> segment;
  Floats decoded;
};

// Numbers as the eight digits of their bits, so that nothing is lost: 1 is "3f800000".
std::string digits_of(const Floats& values) {
  std::string text;
  for (const float value : values) text += fmt::format("{:08x}", std::bit_cast<std::uint32_t>(value));
  return text;
}

Floats floats_of(const std::string& digits) {
  Floats values;
  for (std::size_t i = 0; i < digits.size(); i += 8)
    values.push_back(
        std::bit_cast<float>(static_cast<std::uint32_t>(std::stoul(digits.substr(i, 8), nullptr, 16))));
  return values;
}

std::vector<std::uint8_t> bytes_of(const std::string& digits) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2)
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(digits.substr(i, 2), nullptr, 16)));
  return bytes;
}

std::size_t elements_in(const Segment& segment) {
  Header header;
  std::memcpy(&header, segment.data(), sizeof(header));
  return header.elements;
}

std::vector<std::uint8_t> bytes_of(const Segment& segment) {
  std::vector<std::uint8_t> bytes;
  for (const std::byte byte : segment.view()) bytes.push_back(std::to_integer<std::uint8_t>(byte));
  return bytes;
}

std::filesystem::path published() {
  return std::filesystem::path(EIGHTFOLD_SOURCE_DIR) / "tests/quant8/vectors";
}

Json entries_of(Format format) {
  return Json::parse(test::contents_of(published() / fmt::format("{}.json", to_string(format))));
}

RoundingKey key_of(const Json& rounding) {
  return {std::stoull(rounding["seed"].get<std::string>(), nullptr, 16),
          rounding["step"],
          rounding["bucket"],
          rounding["stage"],
          rounding["rank"],
          rounding["first"]};
}

Vector vector_of(Format format, const Json& entry) {
  Vector vector;
  vector.name = entry["name"];
  vector.encoding = {format, entry["block"] == 0 && has_scales(format) ? Scaling::tensor : Scaling::block,
                     entry["hash"]};
  vector.stamp.sequence = kSequence;
  if (entry.contains("rounding")) {
    vector.rounding = Rounding::stochastic;
    vector.stamp.rounding = key_of(entry["rounding"]);
  }
  if (entry.contains("values")) vector.values = floats_of(entry["values"]);
  vector.segment = bytes_of(entry["segment"].get<std::string>());
  vector.decoded = floats_of(entry["decoded"]);
  return vector;
}

template <class Check>
void for_each_vector(const Check& check) {
  for (const Format format : all_formats()) {
    const Json entries = entries_of(format);
    REQUIRE(entries.size() >= 9);
    for (const Json& entry : entries) {
      const Vector vector = vector_of(format, entry);
      CAPTURE(to_string(format), vector.name, vector.encoding.scaling == Scaling::tensor);
      check(vector);
    }
  }
}

Segment aligned(const std::vector<std::uint8_t>& bytes) {
  Segment segment(bytes.size());
  std::ranges::transform(bytes, segment.data(), [](std::uint8_t byte) { return std::byte{byte}; });
  return segment;
}

// What the reference makes of an entry: the segment of its values, or of a segment that nobody sends no
// other.
void renew(Json& entry, const Vector& vector) {
  const auto codec = make_reference_codec(vector.encoding, vector.rounding);
  Segment segment = aligned(vector.segment);
  if (vector.values) segment = encode(*codec, *vector.values, vector.stamp);
  std::string digits;
  for (const std::uint8_t byte : bytes_of(segment)) digits += fmt::format("{:02x}", byte);
  entry["segment"] = digits;
  entry["decoded"] = digits_of(decode(*codec, segment, elements_in(segment)));
}

}  // namespace

TEST_CASE("every implementation writes the published vectors") {
  for_each_vector([](const Vector& vector) {
    if (!vector.values) return;
    for (const host::Instructions instructions : host::available_instructions()) {
      const auto codec = host::make_codec(vector.encoding, vector.rounding, instructions);
      CHECK(bytes_of(encode(*codec, *vector.values, vector.stamp)) == vector.segment);
    }
    const auto reference = make_reference_codec(vector.encoding, vector.rounding);
    CHECK(bytes_of(encode(*reference, *vector.values, vector.stamp)) == vector.segment);
  });
}

TEST_CASE("every implementation decodes the published vectors") {
  for_each_vector([](const Vector& vector) {
    const Segment segment = aligned(vector.segment);
    for (const host::Instructions instructions : host::available_instructions()) {
      const auto codec = host::make_codec(vector.encoding, vector.rounding, instructions);
      CHECK(differences(decode(*codec, segment, vector.decoded.size()), vector.decoded) == 0);
    }
  });
}

TEST_CASE("a decoder written from the document alone decodes the published vectors") {
  for_each_vector([](const Vector& vector) {
    const WireMessage message = decode_by_the_document(vector.segment);
    CHECK(message.sequence == kSequence);
    CHECK(differences(message.values, vector.decoded) == 0);
    CHECK(message.hash.has_value() == vector.encoding.has_hash);
    if (message.hash) {
      const std::span<const std::uint8_t> hashed(vector.segment.data(), vector.segment.size() - 8);
      CHECK(*message.hash == base::hash64(hashed));
    }
  });
}

TEST_CASE("a decoder written from the document alone decodes every code as the codecs do") {
  for (const Format format : all_formats()) {
    if (bits_of(format) > 8) continue;
    const auto codec = make_codec({}, {format});
    for (const float scale : {1.0F, 0x1.3p-20F, 0x1.fep127F}) {
      Segment segment = encode(*codec, Floats(256, scale));
      const std::size_t codes = layout_of({format}, 256).codes;
      for (std::size_t i = codes; i < segment.size(); ++i)
        segment.data()[i] = static_cast<std::byte>(i - codes);
      CAPTURE(to_string(format), scale);
      CHECK(differences(decode_by_the_document(bytes_of(segment)).values, decode(*codec, segment, 256)) == 0);
    }
  }
}

TEST_CASE("the vectors are written anew", "[.vectors]") {
  const char* directory = std::getenv("EIGHTFOLD_VECTORS");
  REQUIRE(directory != nullptr);
  for (const Format format : all_formats()) {
    Json entries = entries_of(format);
    for (Json& entry : entries) renew(entry, vector_of(format, entry));
    std::ofstream out(std::filesystem::path(directory) / fmt::format("{}.json", to_string(format)));
    out << entries.dump(0) << "\n";
    REQUIRE(out.good());
  }
}
