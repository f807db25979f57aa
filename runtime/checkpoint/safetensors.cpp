#include "runtime/checkpoint/safetensors.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/json.hpp"
#include "runtime/config/value.hpp"

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace eightfold::runtime::checkpoint {
namespace {

using base::DataError;
using Json = nlohmann::json;

// The limit of the format's reference implementation.
constexpr std::uint64_t kHeaderLimit = 100'000'000;
constexpr std::size_t kTensorLimit = 1'000'000;
// The header is padded with blanks, so that a reader may map the tensors' bytes into memory as fp32.
constexpr std::uint64_t kAlignment = 8;
constexpr std::size_t kLongestName = 1000;

constexpr std::array kTypes = {kernels::DType::f32, kernels::DType::f64, kernels::DType::bf16,
                               kernels::DType::f16, kernels::DType::u8,  kernels::DType::i32};

std::array<std::byte, 8> little_endian(std::uint64_t value) {
  std::array<std::byte, 8> bytes{};
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<std::byte>(value >> (8 * i));
  return bytes;
}

// The type of that name; nothing for one that is not ours.
std::optional<kernels::DType> known_dtype(std::string_view name) {
  const auto* known =
      std::find_if(kTypes.begin(), kTypes.end(), [&](auto type) { return to_string(type) == name; });
  return known == kTypes.end() ? std::nullopt : std::optional(*known);
}

// The format's own are F8_E4M3, I64 and the like; more may come.
std::string checked_type(const std::string& file, const std::string& tensor, std::string name) {
  constexpr std::size_t kLongest = 32;
  const bool is_type = !name.empty() && name.size() <= kLongest && std::ranges::all_of(name, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
  if (!is_type)
    base::raise<DataError>("{}: tensor {} has the unsupported type {}", file, tensor,
                           config::shown_name(name));
  return name;
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

SafetensorsEntry parse_entry(const std::string& file, const std::string& name, const Json& json) {
  const std::string where = fmt::format("{}: a number of tensor {}", file, name);
  try {
    const Json::array_t& shape = json.at("shape").get_ref<const Json::array_t&>();
    const Json& offsets = json.at("data_offsets");
    std::string type = checked_type(file, name, json.at("dtype").get<std::string>());
    const std::optional<kernels::DType> dtype = known_dtype(type);
    SafetensorsEntry entry{std::move(type),
                           dtype,
                           {},
                           base::json_integer<std::uint64_t>(offsets.at(0), where),
                           base::json_integer<std::uint64_t>(offsets.at(1), where)};
    for (const Json& extent : shape) entry.shape.push_back(base::json_integer<std::int64_t>(extent, where));
    const bool fits = !dtype || checked_bytes(entry.shape, *dtype) == entry.end - entry.begin;
    if (entry.end < entry.begin || !fits)
      base::raise<DataError>("{}: tensor {} of {} [{}] cannot stand at bytes {} to {}", file, name,
                             entry.type, fmt::join(entry.shape, ", "), entry.begin, entry.end);
    return entry;
  } catch (const Json::exception& failure) {
    base::raise<DataError>("{}: the header's entry for tensor {} is malformed: {}", file, name,
                           failure.what());
  }
}

// The tensors must cover the bytes behind the header exactly. Sorted by their beginning, they do if each
// begins where the one before ended.
void check_coverage(const std::string& file, const SafetensorsEntries& entries, std::uint64_t data_bytes) {
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

base::InputFile opened(const std::filesystem::path& path) {
  try {
    return base::InputFile(path);
  } catch (const base::EnvironmentError& error) {
    base::raise<DataError>("{}", error.what());
  }
}

}  // namespace

base::FileFacts write_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
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
  std::string text = base::json_text(header);
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');

  base::DurableFile file(path);
  file.write(little_endian(text.size()));
  file.write(std::as_bytes(std::span(text)));
  for (const NamedTensor& named : tensors)
    file.write({static_cast<const std::byte*>(named.tensor.data()), named.tensor.bytes()});
  return file.close();
}

SafetensorsEntries parse_safetensors_header(const std::string& file, const std::string& header,
                                            std::uint64_t data_bytes) {
  // The format demands it. The parser alone would accept white space before the object.
  if (!header.starts_with('{')) base::raise<DataError>("{}: the header does not start with {{", file);
  const Json json = base::parse_strict(file, header);
  if (json.size() > kTensorLimit)
    base::raise<DataError>("{}: {} tensors; at most {} are allowed", file, json.size(), kTensorLimit);
  SafetensorsEntries entries;
  for (const auto& [name, entry] : json.items()) {
    check_name(file, name);
    if (name != "__metadata__") entries.emplace(name, parse_entry(file, name, entry));
  }
  check_coverage(file, entries, data_bytes);
  return entries;
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : SafetensorsFile(opened(path)) {}

SafetensorsFile::SafetensorsFile(base::InputFile opened) : file_(std::move(opened)) {
  const std::string file = file_.path().string();
  std::array<unsigned char, 8> prefix{};
  if (file_.bytes() < prefix.size())
    base::raise<DataError>("{}: {} bytes are too few for a safetensors file", file, file_.bytes());
  file_.read(0, std::as_writable_bytes(std::span(prefix)));
  std::uint64_t header_bytes = 0;
  for (std::size_t i = prefix.size(); i-- > 0;) header_bytes = header_bytes << 8 | prefix[i];
  // The subtraction cannot wrap, as the file has a prefix; a sum with a length from the file could.
  if (header_bytes > kHeaderLimit || header_bytes > file_.bytes() - prefix.size())
    base::raise<DataError>("{}: a header of {} bytes in a file of {}; at most {} are allowed", file,
                           header_bytes, file_.bytes(), kHeaderLimit);
  std::string header(header_bytes, '\0');
  file_.read(prefix.size(), std::as_writable_bytes(std::span(header)));
  data_start_ = prefix.size() + header_bytes;
  entries_ = parse_safetensors_header(file, header, file_.bytes() - data_start_);
}

void SafetensorsFile::read(const std::string& name, kernels::Tensor to) const {
  const auto found = entries_.find(name);
  if (found == entries_.end())
    base::raise<DataError>("{}: there is no tensor {}", file_.path().string(), name);
  const SafetensorsEntry& entry = found->second;
  const auto extents = to.shape().extents();
  if (entry.dtype != to.dtype() ||
      !std::equal(extents.begin(), extents.end(), entry.shape.begin(), entry.shape.end()))
    base::raise<DataError>("{}: tensor {} is {} [{}], {} {} was expected", file_.path().string(), name,
                           entry.type, fmt::join(entry.shape, ", "), to_string(to.dtype()),
                           to_string(to.shape()));
  file_.read(data_start_ + entry.begin, {static_cast<std::byte*>(to.data()), to.bytes()});
}

}  // namespace eightfold::runtime::checkpoint
