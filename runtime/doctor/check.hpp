#pragma once

// The checks of one machine. A check looks at a Machine and nothing else, in any order, without changing
// anything; its id is also its anchor in docs/doctor.md. PASS is reported only for an examined property.

#include "runtime/doctor/finding.hpp"
#include "runtime/doctor/machine.hpp"

#include <span>

namespace eightfold::runtime::doctor {

// Says if the evidence, such as a version, should be the same on all nodes of a cluster.
enum class SeenEverywhere { differently, alike };

struct Check {
  std::string_view id;
  Finding (*examine)(const Machine&);
  SeenEverywhere evidence = SeenEverywhere::differently;
};

// The groups, each in its file, from the driver up to the fabric.
std::span<const Check> driver_checks();
std::span<const Check> gpudirect_checks();
std::span<const Check> pci_checks();
std::span<const Check> fabric_checks();
std::span<const Check> software_checks();
std::span<const Check> system_checks();

}  // namespace eightfold::runtime::doctor
