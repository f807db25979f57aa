// The published vectors, tests/quant8/vectors/*.json, against the codecs and against a decoder that knows
// docs/wire_format.md and nothing of quant8/. What the files hold is fixed: other programs read this format.
// After a new version of the format `quant8_tests "the vectors are written anew"` writes them to the
// directory that the variable EIGHTFOLD_VECTORS names.
#include "kernels/base/hash.hpp"
#include "quant8/segment.hpp"
#include "tests/quant8/support.hpp"
#include "tests/quant8/wire_decoder.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace eightfold;
using namespace eightfold::quant8;
using namespace eightfold::quant8::testing;

namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint16_t kSequence = 0x0102;

struct Vector {
  std::string name;
  Encoding encoding;
  Floats values;
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

std::vector<std::uint8_t> bytes_of(const Segment& segment) {
  std::vector<std::uint8_t> bytes;
  for (const std::byte byte : segment.view()) bytes.push_back(std::to_integer<std::uint8_t>(byte));
  return bytes;
}

std::filesystem::path published() {
  return std::filesystem::path(EIGHTFOLD_SOURCE_DIR) / "tests/quant8/vectors";
}

std::vector<Vector> vectors_of(Format format) {
  const std::string text = test::contents_of(published() / fmt::format("{}.json", to_string(format)));
  std::vector<Vector> vectors;
  for (const Json& entry : Json::parse(text))
    vectors.push_back({entry["name"],
                       {format, entry["block"] == 0 && has_scales(format) ? Scaling::tensor : Scaling::block,
                        entry["hash"]},
                       floats_of(entry["values"]),
                       bytes_of(entry["segment"].get<std::string>()),
                       floats_of(entry["decoded"])});
  return vectors;
}

template <class Check>
void for_each_vector(const Check& check) {
  for (const Format format : all_formats()) {
    const std::vector<Vector> vectors = vectors_of(format);
    REQUIRE(vectors.size() >= 6);
    for (const Vector& vector : vectors) {
      CAPTURE(to_string(format), vector.name);
      check(vector);
    }
  }
}

Segment aligned(const std::vector<std::uint8_t>& bytes) {
  Segment segment(bytes.size());
  std::ranges::transform(bytes, segment.data(), [](std::uint8_t byte) { return std::byte{byte}; });
  return segment;
}

// What the files are made of.
std::vector<std::pair<std::string, Floats>> samples(Format format) {
  Random random(2016);
  Floats edges{1, 0, -0.0F, -1, 0.5F, -0.25F, 1e-3F, -1e-5F, 1e-9F, 0x1p-149F};
  if (has_levels(format)) {
    const LevelTable table = make_table(levels_of(format));
    for (const int i : {0, 1, table.count / 2, table.count - 2}) {
      edges.push_back(table.threshold[i]);
      edges.push_back(-std::nextafter(table.threshold[i], 1.0F));
    }
  }
  Floats broken(258, 0.75F);
  broken[1] = kNaN;
  broken[257] = -0.5F;
  return {{"nothing", {}},
          {"one value", {-0.7F}},
          {"edges", edges},
          {"a block that is no number and another", broken},
          {"too large for a bf16", {std::numeric_limits<float>::max(), -1e38F, 1e37F}},
          {"zeros and subnormal numbers", {0, -0.0F, 0x1p-149F, -0x1p-130F}},
          {"normal values", drawn(301, [&] { return random.normal(); })}};
}

void add_entries(Json& file, Format format, Scaling scaling, bool has_hash) {
  const Encoding encoding{format, scaling, has_hash};
  const auto codec = make_reference_codec(encoding);
  for (const auto& [name, values] : samples(format)) {
    const Segment segment = encode(*codec, values, {kSequence, {}});
    std::string digits;
    for (const std::uint8_t byte : bytes_of(segment)) digits += fmt::format("{:02x}", byte);
    file.push_back({{"name", name},
                    {"block", header_of(encoding, 0, 0).block},
                    {"hash", has_hash},
                    {"values", digits_of(values)},
                    {"segment", digits},
                    {"decoded", digits_of(decode(*codec, segment, values.size()))}});
  }
}

}  // namespace

TEST_CASE("every implementation writes the published vectors") {
  for_each_vector([](const Vector& vector) {
    for (const host::Instructions instructions : host::available_instructions()) {
      const auto codec = host::make_codec(vector.encoding, Rounding::nearest, instructions);
      CHECK(bytes_of(encode(*codec, vector.values, {kSequence, {}})) == vector.segment);
    }
    const auto reference = make_reference_codec(vector.encoding);
    CHECK(bytes_of(encode(*reference, vector.values, {kSequence, {}})) == vector.segment);
  });
}

TEST_CASE("every implementation decodes the published vectors") {
  for_each_vector([](const Vector& vector) {
    const Segment segment = aligned(vector.segment);
    for (const host::Instructions instructions : host::available_instructions()) {
      const auto codec = host::make_codec(vector.encoding, Rounding::nearest, instructions);
      CHECK(differences(decode(*codec, segment, vector.values.size()), vector.decoded) == 0);
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
    Json file = Json::array();
    add_entries(file, format, Scaling::block, false);
    if (has_scales(format)) add_entries(file, format, Scaling::tensor, true);
    std::ofstream out(std::filesystem::path(directory) / fmt::format("{}.json", to_string(format)));
    out << file.dump(0) << "\n";
    REQUIRE(out.good());
  }
}
