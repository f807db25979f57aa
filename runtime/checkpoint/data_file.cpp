#include "runtime/checkpoint/data_file.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/json.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cstdint>
#include <vector>

namespace eightfold::runtime::checkpoint {
namespace {

using base::DataError;
using Json = nlohmann::json;

constexpr const char* kFormat = "eightfold-data";
constexpr int kVersion = 1;
// The product of three such extents is 2^60 at most, so that the bytes of a sample fit 63 bits.
constexpr std::int64_t kLargestExtent = 1 << 20;

std::int64_t positive(const Json& json, const std::string& where) {
  return base::json_integer<std::int64_t>(json, where, 1);
}

data::SampleShape shape_from(const std::string& name, const Json& json) {
  std::array<std::int64_t, 3> extents{};
  if (!json.is_array() || json.size() != extents.size())
    base::raise<DataError>("{}: shape is {}; height, width and channels were expected", name,
                           base::json_text(json));
  for (std::size_t i = 0; i < extents.size(); ++i) {
    extents[i] = positive(json[i], name + ": shape");
    if (extents[i] > kLargestExtent)
      base::raise<DataError>("{}: shape has {}; at most {} are allowed", name, extents[i], kLargestExtent);
  }
  return {extents[0], extents[1], extents[2]};
}

// One number of bytes per channel.
std::vector<double> channels_from(const std::string& name, const char* key, const Json& json,
                                  std::int64_t channels) {
  const Json& array = json.at(key);
  if (!array.is_array() || static_cast<std::int64_t>(array.size()) != channels)
    base::raise<DataError>("{}: {} is no list of {} numbers, one per channel", name, key, channels);
  std::vector<double> values;
  for (const Json& value : array) {
    if (!value.is_number() || !(value.get<double>() >= 0 && value.get<double>() <= 255))
      base::raise<DataError>("{}: {} holds {}; numbers from 0 to 255 were expected", name, key,
                             base::json_text(value));
    values.push_back(value.get<double>());
  }
  return values;
}

std::string fingerprint_from(const std::string& name, const Json& json) {
  // A fingerprint is the hexadecimal text of base::Hash128, 4 bits a digit.
  constexpr std::size_t kDigits = 32;
  std::string text = json.get<std::string>();
  if (text.size() != kDigits || text.find_first_not_of("0123456789abcdef") != std::string::npos)
    base::raise<DataError>("{}: fingerprint is {}; {} hexadecimal digits were expected", name,
                           base::json_text(json), kDigits);
  return text;
}

data::TrainingFacts facts_from(const std::string& name, const Json& json) {
  if (json.at("format") != kFormat || json.at("version") != kVersion)
    base::raise<DataError>("{}: this is {} version {}, {} version {} is supported", name,
                           base::json_text(json.at("format")), base::json_text(json.at("version")), kFormat,
                           kVersion);
  const data::SampleShape shape = shape_from(name, json.at("shape"));
  return {shape,
          positive(json.at("samples"), name + ": samples"),
          positive(json.at("classes"), name + ": classes"),
          {channels_from(name, "mean", json, shape.channels),
           channels_from(name, "deviation", json, shape.channels)},
          fingerprint_from(name, json.at("fingerprint"))};
}

}  // namespace

std::string data_text(const data::TrainingFacts& facts) {
  return base::json_page(Json{{"format", kFormat},
                              {"version", kVersion},
                              {"shape", {facts.shape.height, facts.shape.width, facts.shape.channels}},
                              {"samples", facts.samples},
                              {"classes", facts.classes},
                              {"mean", facts.bytes.mean},
                              {"deviation", facts.bytes.deviation},
                              {"fingerprint", facts.fingerprint}});
}

data::TrainingFacts parse_data(const std::string& name, const std::string& text) {
  try {
    return facts_from(name, base::parse_strict(name, text));
  } catch (const Json::exception& error) {
    base::raise<DataError>("{}: malformed: {}", name, error.what());
  }
}

std::optional<data::TrainingFacts> read_data(const Found& found) {
  const std::optional<std::string> text = read_text(found, kDataFile);
  if (!text) return std::nullopt;
  return parse_data((found.directory / kDataFile).string(), *text);
}

}  // namespace eightfold::runtime::checkpoint
