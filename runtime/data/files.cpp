#include "runtime/data/files.hpp"

#include "kernels/base/error.hpp"

#include <fmt/format.h>

#include <optional>
#include <system_error>
#include <utility>

namespace eightfold::runtime::data {
namespace {

namespace fs = std::filesystem;

// Why `path` is no file to read; nothing if it is one.
std::optional<std::string> unreadable_reason(const fs::path& path) {
  std::error_code failure;
  const fs::file_status status = fs::status(path, failure);
  if (fs::is_regular_file(status)) return std::nullopt;
  if (fs::is_directory(status)) return "a directory";
  if (fs::exists(status)) return "not a regular file";
  if (status.type() != fs::file_type::not_found) return failure.message();
  if (std::error_code ignored; fs::is_symlink(fs::symlink_status(path, ignored))) return "a link to nothing";
  return "no such file";
}

}  // namespace

fs::path find_file(const DataPlace& place, const fs::path& name, const char* keys) {
  const fs::path asked = place.directory / name;
  fs::path other = asked;
  if (asked.extension() == ".gz") {
    other.replace_extension();
  } else {
    other += ".gz";
  }
  // The name as given goes first, so that a file beside it never replaces the one that the job names.
  const std::optional<std::string> first = unreadable_reason(asked);
  if (!first) return asked;
  const std::optional<std::string> second = unreadable_reason(other);
  if (!second) return other;
  base::raise<base::DataError>(
      "no data ({}): {}: {}; {}: {}; say where the files are with --set data.dir=DIR; {}", keys,
      asked.string(), *first, other.string(), *second, place.way_out);
}

std::shared_ptr<const Source> take(std::shared_ptr<const Source> whole, std::int64_t count, const char* key,
                                   const fs::path& where) {
  if (count > whole->size())
    base::raise<base::DataError>("{} = {}, but {} holds {} samples", key, count, where.string(),
                                 whole->size());
  if (count == 0 || count == whole->size()) return whole;
  return std::make_shared<SliceSource>(std::move(whole), 0, count);
}

Split cut(const std::shared_ptr<const Source>& whole, std::int64_t train, std::int64_t test) {
  return {std::make_shared<SliceSource>(whole, 0, train), std::make_shared<SliceSource>(whole, train, test)};
}

std::string to_string(const SampleShape& shape) {
  return fmt::format("{} x {} x {}", shape.height, shape.width, shape.channels);
}

Split fitting(Split split, const SampleShape& shape, const fs::path& where) {
  if (const SampleShape found = split.test->sample_shape(); found != shape)
    base::raise<base::DataError>("{} holds images of {}, but the network was trained on {}", where.string(),
                                 to_string(found), to_string(shape));
  return split;
}

}  // namespace eightfold::runtime::data
