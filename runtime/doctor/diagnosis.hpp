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
// UNKNOWN with the reason if the check itself could not be finished. Evidence is printable, whatever the
// files of the machine hold.
Diagnosis examine(const Check& check, const Machine& machine);
std::vector<Diagnosis> examine(const Machine& machine);

// FAIL if one failed, and so on down to PASS; PASS for none.
Status worst(const std::vector<Diagnosis>& diagnoses);

// The part of a machine's text that a terminal can show and JSON can hold.
std::string printable(std::string text);

// "STATUS id evidence", with `where` in brackets behind the id unless it is empty. If something is to be
// done, three lines follow: the consequence, the fix, and the place of its explanation.
std::string report(const Diagnosis& diagnosis, std::string_view where = {});
// All checks, the most urgent first: FAIL, WARN, UNKNOWN, PASS. Checks that do not apply share the last line.
std::string report(const std::vector<Diagnosis>& diagnoses);
// "37 checks: 1 FAIL, 2 WARN, 20 PASS, 14 SKIP"
std::string totals(const std::vector<Diagnosis>& diagnoses);

}  // namespace eightfold::runtime::doctor
