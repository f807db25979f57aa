#pragma once

// Images and labels of pure noise, in the shape of a kind of data. They serve to time steps without files,
// where the values do not matter.

#include "runtime/data/source.hpp"

#include <cstdint>
#include <memory>
#include <string_view>

namespace eightfold::runtime::data {

// digits and idx: 28 x 28 x 1, 10 classes; cifar10 and cifar100: 32 x 32 x 3.
std::shared_ptr<const Source> random_source(std::string_view kind, std::int64_t samples);

}  // namespace eightfold::runtime::data
