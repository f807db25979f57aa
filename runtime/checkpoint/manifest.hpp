#pragma once

// The manifest of a checkpoint: written last, it names every file with its size and hash, and so makes the
// directory a checkpoint. A directory without one, or with a file that disagrees, is not.

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

// Describes a finished file. Throws EnvironmentError.
Manifest::File describe_file(const std::filesystem::path& path);

// Reads what a manifest.json says; `path` is what errors begin with. Throws DataError when the text is
// malformed, of another version, names a file outside its directory or does not hash to what it says itself.
Manifest parse_manifest(const std::string& text, const std::string& path);

void write_manifest(const std::filesystem::path& directory, const Manifest& manifest);
// The same from the file; also when it is missing.
Manifest read_manifest(const std::filesystem::path& directory);

// Compares every file with the manifest. Throws DataError with the first that is missing or differs.
void verify_files(const std::filesystem::path& directory, const Manifest& manifest);

}  // namespace eightfold::runtime::checkpoint
