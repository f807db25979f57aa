#pragma once

// A request does not fit into the memory of the host or of a device. The caller that knows the use of the
// memory can tell how to ask for less.

#include "kernels/base/error.hpp"

namespace eightfold::base {

class OutOfMemory : public EnvironmentError {
 public:
  using EnvironmentError::EnvironmentError;
};

}  // namespace eightfold::base
