#pragma once

// A machine, looked at by every check.

#include "runtime/doctor/check.hpp"

namespace eightfold::runtime::doctor {

struct Diagnosis {
  std::string id;
  Finding finding;

  // "docs/doctor.md#memlock".
  std::string anchor() const;
};

std::vector<Check> all_checks();
std::vector<Diagnosis> examine(const Machine& machine);

// FAIL if one failed, and so on down to PASS; PASS for none.
Status worst(const std::vector<Diagnosis>& diagnoses);

// "STATUS id evidence", then a line each of what follows and of the fix.
std::string report(const Diagnosis& diagnosis);

}  // namespace eightfold::runtime::doctor
