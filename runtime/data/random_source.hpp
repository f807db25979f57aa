#pragma once

// Images and labels of pure noise, of the shape that a kind of data has: for timing steps, where the values
// do not matter and no file should be needed.

#include "runtime/data/source.hpp"

#include <cstdint>
#include <memory>
#include <string_view>

namespace eightfold::runtime::data {

// digits and idx: 28 x 28 x 1, 10 classes; cifar10 and cifar100: 32 x 32 x 3.
std::shared_ptr<const Source> random_source(std::string_view kind, std::int64_t samples);

}  // namespace eightfold::runtime::data
