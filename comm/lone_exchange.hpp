#pragma once

#include "comm/exchange.hpp"

#include <memory>

namespace eightfold::comm {

// The exchange of one rank alone, which has the result of every collective: its input.
std::unique_ptr<Exchange> make_lone_exchange(kernels::Device device);

}  // namespace eightfold::comm
