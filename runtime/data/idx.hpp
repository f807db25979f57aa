#pragma once

// The IDX format of MNIST and similar data sets (http://yann.lecun.com/exdb/mnist). A file has two zero
// bytes, the type of the values, and the number of dimensions. One big-endian 32-bit extent per dimension
// follows, then the values row by row. Only unsigned bytes (type 8) are read and written, plain or as gzip.
//
// Files are not trusted. A header is accepted only if the file's size agrees, and no memory is allocated for
// more than the file holds. Any fault throws DataError with the file, the found and the expected value.

#include "runtime/data/source.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace eightfold::runtime::data {

// The places of the files, in a job and for writing the generated digits.
struct IdxOptions {
  std::string dir = "data";
  std::string images = "train-images-idx3-ubyte";
  std::string labels = "train-labels-idx1-ubyte";
  std::string test_images = "t10k-images-idx3-ubyte";
  std::string test_labels = "t10k-labels-idx1-ubyte";
};

struct IdxArray {
  std::vector<std::int64_t> extents;  // each at least 1
  std::vector<std::uint8_t> values;   // as many as the product of the extents
};

// An array of exactly `dimensions` dimensions.
IdxArray read_idx(const std::filesystem::path& path, std::size_t dimensions);

// Replaces `path`, durably; compressed if the name ends in ".gz". The same array gives the same bytes.
void write_idx(const std::filesystem::path& path, const IdxArray& array);

// Images [samples, height, width] with one label each, from two files. The number of classes is the largest
// label plus 1, because the format does not store it.
std::shared_ptr<const Source> read_idx_pair(const std::filesystem::path& images,
                                            const std::filesystem::path& labels);

}  // namespace eightfold::runtime::data
