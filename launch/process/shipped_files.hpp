#pragma once

// Files that come with the program: where they are depends on where the program is.

#include <filesystem>
#include <optional>
#include <string_view>

namespace eightfold::launch::process {

// The program that is running.
std::filesystem::path this_program();

// `path` is the file's in the repository: launch/netcluster.sh, configs/fabrics/hdr.toml. It is looked for in
// the repository in whose build/PRESET/launch/ the program is, in the bundle (launch/scripts/bundle.sh), and,
// a file of configs/, in share/eightfold/ beside the bin/ of an installed program.
std::optional<std::filesystem::path> find_shipped(const std::filesystem::path& program,
                                                  const std::filesystem::path& path);

// The FILE or NAME of an option for a kind of files, "workloads" or "fabrics": a file that is there, or
// else a file NAME.toml in configs/KIND/ of the working directory, or one that was shipped. Throws
// ConfigError that lists the names there are.
std::filesystem::path find_described(const std::filesystem::path& program, std::string_view option,
                                     std::string_view kind, const std::filesystem::path& given);

}  // namespace eightfold::launch::process
