#include "launch/process/shipped_files.hpp"

#include "kernels/base/error.hpp"

#include <fmt/ranges.h>

#include <array>
#include <set>
#include <string>

namespace eightfold::launch::process {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& file) {
  std::error_code ignored;
  return fs::exists(file, ignored) && !fs::is_directory(file, ignored);
}

// The places of `path` in a repository, a bundle and an installation, if the program is in one. Nowhere else:
// a program in /usr/bin must not trust files in /.
std::array<fs::path, 3> places(const fs::path& program, const fs::path& path) {
  const fs::path above = program.parent_path().parent_path();
  const fs::path bundle = above.parent_path(), repository = bundle.parent_path();
  return {is_there(repository / "CMakePresets.json") ? repository / path : fs::path(),
          is_there(bundle / "run") ? bundle / path : fs::path(),
          above / "share/eightfold" / path.lexically_relative("configs")};
}

// The names of all files of this kind, in all directories that are searched.
std::set<std::string> names_of_kind(const fs::path& program, const fs::path& directory) {
  std::set<std::string> names;
  const auto add = [&](const fs::path& each) {
    std::error_code ignored;
    for (fs::directory_iterator file(each, ignored), end; file != end; file.increment(ignored))
      if (file->path().extension() == ".toml") names.insert(file->path().stem().string());
  };
  add(directory);
  for (const fs::path& place : places(program, directory)) add(place);
  return names;
}

}  // namespace

fs::path this_program() {
  return fs::read_symlink("/proc/self/exe");
}

std::optional<fs::path> find_shipped(const fs::path& program, const fs::path& path) {
  for (const fs::path& place : places(program, path))
    if (is_there(place)) return place;
  return std::nullopt;
}

fs::path find_described(const fs::path& program, std::string_view option, std::string_view kind,
                        const fs::path& given) {
  if (is_there(given)) return given;
  const fs::path directory = fs::path("configs") / kind;
  if (!given.empty() && !given.has_parent_path()) {
    const fs::path file = directory / fs::path(given.string() + ".toml");
    if (is_there(file)) return file;
    if (const auto shipped = find_shipped(program, file)) return *shipped;
  }
  const std::set<std::string> names = names_of_kind(program, directory);
  base::raise<base::ConfigError>("{} {}: there is no such file, and the {} known by name are {}", option,
                                 given.string(), kind,
                                 names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")));
}

}  // namespace eightfold::launch::process
