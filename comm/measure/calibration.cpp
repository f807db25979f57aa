#include "comm/measure/calibration.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/file.hpp"
#include "kernels/base/json.hpp"

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <initializer_list>

namespace eightfold::comm::measure {
namespace {

using base::DataError;
using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "eightfold-calibration";
constexpr std::size_t kSizeLimit = 1 << 20;

Json link_json(const std::optional<LinkModel>& link) {
  if (!link) return nullptr;
  return {{"latency_s", link->latency_s}, {"bytes_per_s", link->bytes_per_s}};
}

// Reads the entries of one object of the file, whose place is named in every complaint.
class Reader {
 public:
  // Exactly these names.
  Reader(std::string where, const nlohmann::json& json, std::initializer_list<std::string_view> names)
      : where_(std::move(where)), json_(json) {
    if (!json_.is_object())
      base::raise<DataError>("{} is {}, an object is needed", where_, base::json_text(json_));
    for (const auto& [name, value] : json_.items())
      if (std::ranges::find(names, name) == names.end())
        base::raise<DataError>("{}: \"{}\" means nothing here; the names are {}", where_, name,
                               fmt::join(names, ", "));
    for (const std::string_view name : names)
      if (!json_.contains(name)) base::raise<DataError>("{}: \"{}\" is missing", where_, name);
  }

  const nlohmann::json& at(const char* name) const { return json_.at(name); }
  std::string place(std::string_view name) const { return fmt::format("{}: {}", where_, name); }

  std::string text(const char* name) const {
    if (!at(name).is_string())
      base::raise<DataError>("{} is {}, a text is needed", place(name), base::json_text(at(name)));
    return at(name).get<std::string>();
  }
  int count(const char* name) const { return base::json_integer<int>(at(name), place(name), 1); }
  double rate(const char* name) const {
    const double value = number(name);
    if (!(value > 0))
      base::raise<DataError>("{} is {}, it must be above 0", place(name), base::json_text(at(name)));
    return value;
  }
  double time(const char* name) const {
    const double value = number(name);
    if (value < 0)
      base::raise<DataError>("{} is {}, it must not be negative", place(name), base::json_text(at(name)));
    return value;
  }

 private:
  double number(const char* name) const {
    if (!at(name).is_number())
      base::raise<DataError>("{} is {}, a number is needed", place(name), base::json_text(at(name)));
    return at(name).get<double>();
  }

  std::string where_;
  const nlohmann::json& json_;
};

const nlohmann::json& list(const Reader& file, const char* name) {
  if (!file.at(name).is_array())
    base::raise<DataError>("{} is {}, a list is needed", file.place(name), base::json_text(file.at(name)));
  return file.at(name);
}

std::optional<LinkModel> link(const Reader& links, const char* name) {
  if (links.at(name).is_null()) return std::nullopt;
  const Reader reader(links.place(name), links.at(name), {"latency_s", "bytes_per_s"});
  return LinkModel{reader.time("latency_s"), reader.rate("bytes_per_s")};
}

quant8::Format format_of(const Reader& reader) {
  const std::optional<quant8::Format> format = quant8::parse_format(reader.text("format"));
  if (!format) {
    std::vector<std::string_view> names;
    for (const quant8::Format each : quant8::all_formats()) names.push_back(to_string(each));
    base::raise<DataError>("{} is {}; the formats are {}", reader.place("format"),
                           base::json_text(reader.at("format")), fmt::join(names, ", "));
  }
  return *format;
}

CodecSpeed codec(const std::string& where, const nlohmann::json& json) {
  const Reader reader(where, json, {"format", "encode_bytes_per_s", "decode_bytes_per_s"});
  return {format_of(reader), reader.rate("encode_bytes_per_s"), reader.rate("decode_bytes_per_s")};
}

AllreduceTime allreduce(const std::string& where, const nlohmann::json& json) {
  const Reader reader(where, json, {"algorithm", "format", "size_bytes", "time_s"});
  return {reader.text("algorithm"), format_of(reader),
          base::json_integer<std::size_t>(reader.at("size_bytes"), reader.place("size_bytes"), 1),
          reader.rate("time_s")};
}

// Said before anything else, since names differ between versions.
void check_version(const std::string& file, const nlohmann::json& json) {
  const bool is_ours = json.is_object() && json.value("format", nlohmann::json()) == kFormat;
  if (!is_ours || json.value("version", nlohmann::json()) != Calibration::kVersion)
    base::raise<DataError>(
        "{}: this is no {} of version {}; `eightfold bench link --calibration FILE` writes one", file,
        kFormat, Calibration::kVersion);
}

}  // namespace

std::string calibration_text(const Calibration& calibration) {
  Json codecs = Json::array();
  for (const CodecSpeed& codec : calibration.codecs)
    codecs.push_back({{"format", to_string(codec.format)},
                      {"encode_bytes_per_s", codec.encode_bytes_per_s},
                      {"decode_bytes_per_s", codec.decode_bytes_per_s}});
  Json allreduces = Json::array();
  for (const AllreduceTime& time : calibration.allreduces)
    allreduces.push_back({{"algorithm", time.algorithm},
                          {"format", to_string(time.format)},
                          {"size_bytes", time.size_bytes},
                          {"time_s", time.time_s}});
  const Json json = {
      {"format", kFormat},
      {"version", Calibration::kVersion},
      {"machine", calibration.machine},
      {"device", calibration.device},
      {"hosts", calibration.hosts},
      {"date", calibration.date},
      {"ranks", calibration.ranks},
      {"nodes", calibration.nodes},
      {"links",
       {{"same_node", link_json(calibration.same_node)}, {"other_node", link_json(calibration.other_node)}}},
      {"exchange_bytes_per_s", calibration.exchange_bytes_per_s},
      {"codecs", codecs},
      {"allreduces", allreduces}};
  return base::json_page(json);
}

Calibration parse_calibration(const std::string& file, const std::string& text) {
  const nlohmann::json json = base::parse_strict(file, text);
  check_version(file, json);
  const Reader reader(file, json,
                      {"format", "version", "machine", "device", "hosts", "date", "ranks", "nodes", "links",
                       "exchange_bytes_per_s", "codecs", "allreduces"});
  Calibration calibration;
  calibration.machine = reader.text("machine");
  calibration.device = reader.text("device");
  calibration.date = reader.text("date");
  calibration.ranks = reader.count("ranks");
  calibration.nodes = reader.count("nodes");
  for (const nlohmann::json& host : list(reader, "hosts")) {
    if (!host.is_string())
      base::raise<DataError>("{}: {} is no host's name", reader.place("hosts"), base::json_text(host));
    calibration.hosts.push_back(host.get<std::string>());
  }
  const Reader links(reader.place("links"), reader.at("links"), {"same_node", "other_node"});
  calibration.same_node = link(links, "same_node");
  calibration.other_node = link(links, "other_node");
  calibration.exchange_bytes_per_s = reader.rate("exchange_bytes_per_s");
  for (const nlohmann::json& each : list(reader, "codecs"))
    calibration.codecs.push_back(
        codec(fmt::format("{}[{}]", reader.place("codecs"), calibration.codecs.size()), each));
  for (const nlohmann::json& each : list(reader, "allreduces"))
    calibration.allreduces.push_back(
        allreduce(fmt::format("{}[{}]", reader.place("allreduces"), calibration.allreduces.size()), each));
  return calibration;
}

Calibration share_calibration(mpi::Communicator& communicator, const std::filesystem::path& file) {
  std::string text;
  mpi::run_agreed(communicator, [&] {
    if (communicator.rank() != 0) return;
    text = base::read_file(file, kSizeLimit);
    parse_calibration(file.string(), text);  // who named the file hears of it before the others get it
  });
  communicator.broadcast_text(text, 0);
  return parse_calibration(file.string(), text);
}

}  // namespace eightfold::comm::measure
