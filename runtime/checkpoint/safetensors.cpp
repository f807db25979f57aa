#include "runtime/checkpoint/safetensors.hpp"

#include "kernels/base/file.hpp"
#include "kernels/base/strict_json.hpp"
#include "runtime/config/value.hpp"

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <optional>

namespace eightfold::runtime::checkpoint {
namespace {

using base::DataError;
using Json = nlohmann::json;

constexpr std::uint64_t kHeaderLimit = 100'000'000;
constexpr std::uint64_t kAlignment = 8;
constexpr std::size_t kLongestName = 1000;

constexpr std::array kTypes = {kernels::DType::f32, kernels::DType::f64, kernels::DType::bf16,
                               kernels::DType::f16, kernels::DType::u8,  kernels::DType::i32};

std::array<std::byte, 8> little_endian(std::uint64_t value) {
  std::array<std::byte, 8> bytes{};
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<std::byte>(value >> (8 * i));
  return bytes;
}

kernels::DType parse_dtype(const std::string& file, const std::string& tensor, const std::string& name) {
  const auto* known =
      std::find_if(kTypes.begin(), kTypes.end(), [&](auto type) { return to_string(type) == name; });
  if (known == kTypes.end())
    base::raise<DataError>("{}: tensor {} has the unsupported type {}", file, tensor,
                           config::shown_name(name));
  return *known;
}

// The bytes a shape needs; nothing if they do not fit 63 bits.
std::optional<std::uint64_t> checked_bytes(const std::vector<std::int64_t>& shape, kernels::DType dtype) {
  std::uint64_t bytes = kernels::size_of(dtype);
  for (const std::int64_t extent : shape) {
    if (extent < 0) return std::nullopt;
    if (extent > 0 && bytes > (1ULL << 62) / static_cast<std::uint64_t>(extent)) return std::nullopt;
    bytes *= static_cast<std::uint64_t>(extent);
  }
  return bytes;
}

// Names reach messages; nothing that a terminal obeys may be in them.
void check_name(const std::string& file, const std::string& name) {
  const bool printable = std::ranges::none_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (!printable || name.size() > kLongestName)
    base::raise<DataError>("{}: the tensor's name {} has control characters or more than {} bytes", file,
                           config::shown(name), kLongestName);
}

SafetensorsFile::Entry parse_entry(const std::string& file, const std::string& name, const Json& json) {
  const std::string where = fmt::format("{}: a number of tensor {}", file, name);
  try {
    const Json::array_t& shape = json.at("shape").get_ref<const Json::array_t&>();
    const Json& offsets = json.at("data_offsets");
    SafetensorsFile::Entry entry{parse_dtype(file, name, json.at("dtype").get<std::string>()),
                                 {},
                                 base::json_integer<std::uint64_t>(offsets.at(0), where),
                                 base::json_integer<std::uint64_t>(offsets.at(1), where)};
    for (const Json& extent : shape) entry.shape.push_back(base::json_integer<std::int64_t>(extent, where));
    const auto bytes = checked_bytes(entry.shape, entry.dtype);
    if (!bytes || entry.end < entry.begin || entry.end - entry.begin != *bytes)
      base::raise<DataError>("{}: tensor {} of {} [{}] cannot stand at bytes {} to {}", file, name,
                             to_string(entry.dtype), fmt::join(entry.shape, ", "), entry.begin, entry.end);
    return entry;
  } catch (const Json::exception& failure) {
    base::raise<DataError>("{}: the header's entry for tensor {} is malformed: {}", file, name,
                           failure.what());
  }
}

// The tensors must cover the bytes behind the header exactly.
void check_coverage(const std::string& file, const std::map<std::string, SafetensorsFile::Entry>& entries,
                    std::uint64_t data_bytes) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> spans;
  for (const auto& [name, entry] : entries) spans.emplace_back(entry.begin, entry.end);
  std::sort(spans.begin(), spans.end());
  std::uint64_t covered = 0;
  for (const auto& [begin, end] : spans) {
    if (begin != covered)
      base::raise<DataError>("{}: tensors leave a gap or overlap at byte {}", file, covered);
    covered = end;
  }
  if (covered != data_bytes)
    base::raise<DataError>("{}: the header describes {} bytes of tensors, the file has {}", file, covered,
                           data_bytes);
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const NamedTensor& named : tensors) {
    const auto extents = named.tensor.shape().extents();
    header[named.name] = {{"dtype", to_string(named.tensor.dtype())},
                          {"shape", std::vector<std::int64_t>(extents.begin(), extents.end())},
                          {"data_offsets", {offset, offset + named.tensor.bytes()}}};
    offset += named.tensor.bytes();
  }
  std::string text = header.dump();
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');

  base::DurableFile file(path);
  file.write(little_endian(text.size()));
  file.write(std::as_bytes(std::span(text)));
  for (const NamedTensor& named : tensors)
    file.write({static_cast<const std::byte*>(named.tensor.data()), named.tensor.bytes()});
  file.close();
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : path_(path) {
  const std::string file = path.string();
  std::ifstream stream(path, std::ios::binary | std::ios::ate);
  if (!stream) base::raise<DataError>("{}: cannot be read: {}", file, std::strerror(errno));
  const auto size = static_cast<std::uint64_t>(stream.tellg());
  std::array<unsigned char, 8> prefix{};
  stream.seekg(0);
  if (size < prefix.size() || !stream.read(reinterpret_cast<char*>(prefix.data()), prefix.size()))
    base::raise<DataError>("{}: {} bytes are too few for a safetensors file", file, size);
  std::uint64_t header_bytes = 0;
  for (std::size_t i = prefix.size(); i-- > 0;) header_bytes = header_bytes << 8 | prefix[i];
  if (header_bytes > kHeaderLimit || header_bytes > size - prefix.size())
    base::raise<DataError>("{}: a header of {} bytes in a file of {}; at most {} are allowed", file,
                           header_bytes, size, kHeaderLimit);
  std::string text(header_bytes, '\0');
  if (!stream.read(text.data(), static_cast<std::streamsize>(header_bytes)) || text.empty() || text[0] != '{')
    base::raise<DataError>("{}: the header does not start with {{", file);
  data_start_ = prefix.size() + header_bytes;

  const Json header = base::parse_strict(file, text);
  for (const auto& [name, json] : header.items()) {
    check_name(file, name);
    if (name != "__metadata__") entries_.emplace(name, parse_entry(file, name, json));
  }
  check_coverage(file, entries_, size - data_start_);
}

void SafetensorsFile::read(const std::string& name, kernels::Tensor to) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) base::raise<DataError>("{}: there is no tensor {}", path_.string(), name);
  const Entry& entry = found->second;
  const auto extents = to.shape().extents();
  if (entry.dtype != to.dtype() ||
      !std::equal(extents.begin(), extents.end(), entry.shape.begin(), entry.shape.end()))
    base::raise<DataError>("{}: tensor {} is {} [{}], {} {} was expected", path_.string(), name,
                           to_string(entry.dtype), fmt::join(entry.shape, ", "), to_string(to.dtype()),
                           to_string(to.shape()));
  std::ifstream stream(path_, std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(data_start_ + entry.begin));
  if (!stream.read(static_cast<char*>(to.data()), static_cast<std::streamsize>(to.bytes())))
    base::raise<DataError>("{}: tensor {} could not be read", path_.string(), name);
}

}  // namespace eightfold::runtime::checkpoint
