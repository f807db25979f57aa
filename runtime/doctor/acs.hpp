#pragma once

// Access control services of PCIe bridges. If they redirect, transfers between two devices below a bridge
// pass through the processor instead of the bridge alone. The register is in the part of a device's
// configuration that only root may read.

#include "runtime/doctor/root.hpp"

namespace eightfold::runtime::doctor {

enum class AcsState { redirects, straight, unreadable };

// The services of the bridge at this address.
AcsState acs_of(const Root& root, const std::string& address);

}  // namespace eightfold::runtime::doctor
