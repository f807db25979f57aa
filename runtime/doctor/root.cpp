#include "runtime/doctor/root.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/parse.hpp"

#include <algorithm>
#include <fstream>

namespace eightfold::runtime::doctor {
namespace {

namespace fs = std::filesystem;

std::string trimmed(std::string text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  text.erase(text.find_last_not_of(kBlanks) + 1);
  text.erase(0, text.find_first_not_of(kBlanks));
  return text;
}

}  // namespace

Root::Root(const fs::path& directory) {
  std::error_code problem;
  directory_ = fs::canonical(directory, problem);
  if (problem || !fs::is_directory(directory_, problem))
    base::raise<base::ConfigError>("{}: not a directory", directory.string());
  if (!exists("/proc") && !exists("/sys"))
    base::raise<base::ConfigError>("{}: neither proc nor sys is there: not the root of a machine",
                                   directory.string());
}

std::optional<fs::path> Root::inside(const fs::path& path) const {
  std::error_code problem;
  const fs::path real = fs::canonical(directory_ / path.relative_path(), problem);
  if (problem || *real.lexically_relative(directory_).begin() == "..") return std::nullopt;
  return real;
}

bool Root::exists(const fs::path& path) const {
  return inside(path).has_value();
}

std::optional<std::string> Root::read_raw(const fs::path& path) const {
  const auto real = inside(path);
  std::error_code ignored;
  // Whatever waits for a writer or has no end is no fact about a machine.
  if (!real || !fs::is_regular_file(*real, ignored)) return std::nullopt;
  std::ifstream file(*real, std::ios::binary);
  std::string text(std::size_t{64} << 10, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || !file.is_open() || (file.fail() && !file.eof())) return std::nullopt;
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

std::optional<std::string> Root::read(const fs::path& path) const {
  auto text = read_raw(path);
  if (text) text = trimmed(std::move(*text));
  return text;
}

std::optional<std::int64_t> Root::read_integer(const fs::path& path) const {
  const auto text = read(path);
  return text ? base::parse_integer(*text) : std::nullopt;
}

std::vector<std::string> Root::list(const fs::path& path) const {
  std::vector<std::string> names;
  const auto real = inside(path);
  if (!real) return names;
  std::error_code problem;
  for (fs::directory_iterator at(*real, problem), end; !problem && at != end; at.increment(problem))
    names.push_back(at->path().filename().string());
  std::ranges::sort(names);
  return names;
}

std::optional<std::string> Root::link(const fs::path& path) const {
  const auto parent = inside(path.parent_path());
  if (!parent) return std::nullopt;
  std::error_code problem;
  const fs::path target = fs::read_symlink(*parent / path.filename(), problem);
  return problem ? std::nullopt : std::optional(target.string());
}

fs::path Root::resolve(const fs::path& path) const {
  const auto real = inside(path);
  return real ? "/" / real->lexically_relative(directory_) : path;
}

}  // namespace eightfold::runtime::doctor
