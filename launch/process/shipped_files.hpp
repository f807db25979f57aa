#pragma once

// Files that are shipped with the program; their place follows from the program's.

#include <filesystem>
#include <optional>
#include <string_view>

namespace eightfold::launch::process {

// The program that is running.
std::filesystem::path this_program();

// Finds a file by its path in the repository, such as launch/netcluster.sh or configs/fabrics/hdr.toml.
// Searched are the repository in whose build/PRESET/launch/ the program is, and the bundle
// (launch/scripts/bundle.sh). Files of configs/ are also searched in share/eightfold/ beside the bin/ of an
// installed program.
std::optional<std::filesystem::path> find_shipped(const std::filesystem::path& program,
                                                  const std::filesystem::path& path);

// Resolves the FILE or NAME of an option; `kind` is "workloads" or "fabrics". An existing file wins, then
// NAME.toml in configs/KIND/ of the working directory, then the shipped one. Throws ConfigError with all
// names.
std::filesystem::path find_described(const std::filesystem::path& program, std::string_view option,
                                     std::string_view kind, const std::filesystem::path& given);

}  // namespace eightfold::launch::process
