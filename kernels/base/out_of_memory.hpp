#pragma once

// A request does not fit into the memory of the host or of a device. Whoever knows what took the memory can
// say how to ask for less.

#include "kernels/base/error.hpp"

namespace eightfold::base {

class OutOfMemory : public EnvironmentError {
 public:
  using EnvironmentError::EnvironmentError;
};

}  // namespace eightfold::base
