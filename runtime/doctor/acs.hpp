#pragma once

// Access control services of PCIe bridges: where they redirect, transfers between two devices below a bridge
// go up to the processor and back instead of straight across. The register is in the part of a device's
// configuration that only root may read.

#include "runtime/doctor/root.hpp"

namespace eightfold::runtime::doctor {

enum class AcsState { redirects, straight, unreadable };

// Of the bridge at this address.
AcsState acs_of(const Root& root, const std::string& address);

}  // namespace eightfold::runtime::doctor
