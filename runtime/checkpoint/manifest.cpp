#include "runtime/checkpoint/manifest.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/file.hpp"
#include "kernels/base/hash.hpp"
#include "kernels/base/json.hpp"

#include <nlohmann/json.hpp>

namespace eightfold::runtime::checkpoint {
namespace {

using base::DataError;
using Json = nlohmann::json;

constexpr const char* kFileName = "manifest.json";
constexpr const char* kFormat = "eightfold-checkpoint";
constexpr const char* kSelfHash = "xxh3_128";
// An entry takes about 150 bytes: this leaves room for the residuals of 100,000 ranks, and bounds what a
// stranger's file can make us allocate.
constexpr std::size_t kSizeLimit = 16 << 20;

// A manifest may come from a stranger: its names must stay inside the directory.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\0", 2)) == std::string::npos;
}

// The hash of everything a manifest says, for its own last entry: the files have theirs.
std::string self_hash(Json json) {
  json.erase(kSelfHash);
  // The hash is of this text, in which keys are sorted, and not of the file's bytes: white space and order
  // there do not matter.
  const std::string text = base::json_text(json);
  base::Hash128 hash;
  hash.update(std::as_bytes(std::span(text)));
  return hash.hex();
}

Manifest manifest_from(const std::string& path, const Json& json) {
  if (json.at("format") != kFormat || json.at("version") != Manifest::kVersion)
    base::raise<DataError>("{}: this is {} version {}, {} version {} is supported", path,
                           base::json_text(json.at("format")), base::json_text(json.at("version")), kFormat,
                           Manifest::kVersion);
  Manifest manifest{base::json_integer<std::int64_t>(json.at("step"), path + ": step", 0),
                    base::json_integer<int>(json.at("ranks"), path + ": ranks", 1),
                    json.at("weight_hash").get<std::string>(),
                    json.at("created").get<std::string>(),
                    json.at("program").get<std::string>(),
                    {}};
  for (const Json& file : json.at("files")) {
    manifest.files.push_back({file.at("name").get<std::string>(),
                              base::json_integer<std::uint64_t>(file.at("bytes"), path + ": bytes"),
                              file.at("xxh3_128").get<std::string>()});
    if (!is_plain_name(manifest.files.back().name))
      base::raise<DataError>("{}: {} is not the name of a file beside it", path,
                             base::json_text(file.at("name")));
  }
  if (const std::string hash = self_hash(json); json.at(kSelfHash) != hash)
    base::raise<DataError>("{}: its contents hash to {}, it says {}", path, hash,
                           base::json_text(json.at(kSelfHash)));
  return manifest;
}

}  // namespace

void write_manifest(const std::filesystem::path& directory, const Manifest& manifest) {
  Json files = Json::array();
  for (const Manifest::File& file : manifest.files)
    files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"xxh3_128", file.xxh3_128}});
  Json json = {{"format", kFormat},
               {"version", Manifest::kVersion},
               {"step", manifest.step},
               {"ranks", manifest.ranks},
               {"weight_hash", manifest.weight_hash},
               {"created", manifest.created},
               {"program", manifest.program},
               {"files", files}};
  json[kSelfHash] = self_hash(json);
  base::write_file_durably(directory / kFileName, base::json_page(json));
}

Manifest read_manifest(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / kFileName;
  std::error_code failure;
  if (!std::filesystem::exists(path, failure))
    base::raise<DataError>("{}: not a checkpoint: it has no {}", directory.string(), kFileName);
  try {
    const base::InputFile file(path);
    if (file.bytes() > kSizeLimit)
      base::raise<DataError>("{}: {} bytes, more than the {} allowed", path.string(), file.bytes(),
                             kSizeLimit);
    std::string text(file.bytes(), '\0');
    file.read(0, std::as_writable_bytes(std::span(text)));
    return parse_manifest(path.string(), text);
  } catch (const base::EnvironmentError& error) {
    base::raise<DataError>("{}: {}", directory.string(), error.what());
  }
}

Manifest parse_manifest(const std::string& name, const std::string& text) {
  try {
    return manifest_from(name, base::parse_strict(name, text));
  } catch (const Json::exception& error) {
    base::raise<DataError>("{}: malformed: {}", name, error.what());
  }
}

base::InputFile open_verified(const std::filesystem::path& directory, const Manifest::File& file) {
  const std::string path = (directory / file.name).string();
  try {
    base::InputFile opened(path);
    if (opened.bytes() != file.bytes)
      base::raise<DataError>("{}: {} bytes, the manifest says {}", path, opened.bytes(), file.bytes);
    // The caller reads through the file that was hashed. Opened a second time, the name might lead to another
    // file.
    if (const std::string hash = opened.hash(); hash != file.xxh3_128)
      base::raise<DataError>("{}: its contents hash to {}, the manifest says {}", path, hash, file.xxh3_128);
    return opened;
  } catch (const base::EnvironmentError& error) {
    base::raise<DataError>("{}: {}", path, error.what());
  }
}

void verify_files(const std::filesystem::path& directory, const Manifest& manifest) {
  for (const Manifest::File& file : manifest.files) open_verified(directory, file);
}

}  // namespace eightfold::runtime::checkpoint
