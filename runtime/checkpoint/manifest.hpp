#pragma once

// The manifest of a checkpoint: written last, it names every file with its size and hash, and so makes the
// directory a checkpoint. A directory without one, or with a file that disagrees, is not.

#include "kernels/base/file.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace eightfold::runtime::checkpoint {

struct Manifest {
  static constexpr int kVersion = 1;

  struct File {
    std::string name;  // in the checkpoint's own directory
    std::uint64_t bytes = 0;
    std::string xxh3_128;  // of the contents, hexadecimal
  };

  std::int64_t step = 0;  // optimizer steps done
  int ranks = 0;          // of the job that wrote it
  std::string weight_hash;
  std::string created;  // UTC
  std::string program;  // version that wrote it
  std::vector<File> files;
};

// Durable on return. Throws EnvironmentError.
void write_manifest(const std::filesystem::path& directory, const Manifest& manifest);
// Throws DataError when it is missing, malformed, of another version, names a file outside its directory or
// does not hash to what it says itself.
Manifest read_manifest(const std::filesystem::path& directory);
// The same of a manifest's text; `name` begins the messages.
Manifest parse_manifest(const std::string& name, const std::string& text);

// Opens one of the files a manifest names. Throws DataError when it is missing, no regular file, or of
// another size or hash than the manifest says.
base::InputFile open_verified(const std::filesystem::path& directory, const Manifest::File& file);
// Tries that with every file. Throws DataError with the first that fails.
void verify_files(const std::filesystem::path& directory, const Manifest& manifest);

}  // namespace eightfold::runtime::checkpoint
