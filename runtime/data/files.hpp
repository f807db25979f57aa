#pragma once

// The common part of the kinds of data that are files.

#include "runtime/data/source.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace eightfold::runtime::data {

// The places of a job's files, as its user names them.
struct DataPlace {
  std::filesystem::path directory;
  const char* way_out;  // of there being none
};

// The file `name` of the directory, or else the same with ".gz" added or, if it ends so, removed. `keys` are
// what the job says it by. Throws DataError if there is neither.
std::filesystem::path find_file(const DataPlace& place, const std::filesystem::path& name, const char* keys);

// The first `count` samples of a part, 0: all. `key` and `where` are what the user knows them by. Throws
// DataError if there are not as many.
std::shared_ptr<const Source> take(std::shared_ptr<const Source> whole, std::int64_t count, const char* key,
                                   const std::filesystem::path& where);

// The first `train` samples and the next `test`.
Split cut(const std::shared_ptr<const Source>& whole, std::int64_t train, std::int64_t test);

std::string to_string(const SampleShape& shape);

// A split whose test samples a network that was trained on samples of shape `shape` can take; throws
// DataError for another.
Split fitting(Split split, const SampleShape& shape, const std::filesystem::path& where);

}  // namespace eightfold::runtime::data
