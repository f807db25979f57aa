#pragma once

// The kernel's lock on an open file (flock). It belongs to the open file, and ends with the process at the
// latest, however that ends.

#include "kernels/base/descriptor.hpp"

#include <filesystem>

namespace eightfold::base {

enum class Sharing { exclusive, shared };
enum class Lock {
  taken,
  held,        // by who excludes this
  unsupported  // the file system has no locks
};

// Does not wait. `path` is for the EnvironmentError of any other failure.
Lock try_lock(const Descriptor& descriptor, Sharing sharing, const std::filesystem::path& path);

}  // namespace eightfold::base
