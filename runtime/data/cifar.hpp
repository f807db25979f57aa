#pragma once

// The binary form of CIFAR-10 and CIFAR-100 (https://www.cs.toronto.edu/~kriz/cifar.html). A record has one
// or two label bytes and a 32 x 32 image: all red values, then all green, then all blue. Images are made
// channels-last while they are read.

#include "runtime/data/source.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

namespace eightfold::runtime::data {

inline constexpr SampleShape kCifarShape{32, 32, 3};

// The label bytes before an image: one per entry, below that entry. The last is the class.
inline constexpr std::array<std::uint8_t, 1> kCifar10Labels = {10};
inline constexpr std::array<std::uint8_t, 2> kCifar100Labels = {20, 100};  // coarse, fine

// The records of all files, in this order. Throws DataError with the file, the record and the numbers. The
// causes are a file that ends within a record, no record, more records than any CIFAR file (50,000), and a
// label out of range.
std::shared_ptr<const Source> read_cifar(std::span<const std::filesystem::path> files,
                                         std::span<const std::uint8_t> label_limits);

}  // namespace eightfold::runtime::data
