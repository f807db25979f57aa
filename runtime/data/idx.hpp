#pragma once

// The IDX format, in which MNIST and its kin come (http://yann.lecun.com/exdb/mnist): two zero bytes, the
// type of the values, the number of dimensions, one big-endian 32-bit extent per dimension, the values row by
// row. Only unsigned bytes (type 8) are read and written, plain or as gzip.
//
// Files are not trusted: a header is believed only as far as the file bears it out, and no memory is taken
// for more than the file really holds. Whatever is wrong throws DataError with the file, what it says and
// what was expected.

#include "runtime/data/source.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace eightfold::runtime::data {

// Where the files are, in a job and where the generated digits are written.
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

// Images [samples, height, width] with one label each, from two files. There is one class more than the
// largest label: the format does not say how many there are.
std::shared_ptr<const Source> read_idx_pair(const std::filesystem::path& images,
                                            const std::filesystem::path& labels);

}  // namespace eightfold::runtime::data
