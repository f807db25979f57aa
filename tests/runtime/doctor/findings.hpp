#pragma once

// The findings of single checks on nodes made of files.

#include "runtime/doctor/diagnosis.hpp"
#include "tests/runtime/doctor/node.hpp"
#include "tests/support/test.hpp"

#include <algorithm>

namespace eightfold::test {

namespace doctor = runtime::doctor;
using doctor::Finding;
using doctor::Status;

inline doctor::Machine machine_of(const Node& node) {
  doctor::Machine machine = look_at(doctor::Root(node.root()), doctor::Libraries::in(node.libraries()));
  machine.free_bytes = [](const auto&) { return std::uint64_t{1} << 40; };
  return machine;
}

inline Finding finding(const doctor::Machine& machine, const std::string& id) {
  const std::vector<doctor::Check> checks = doctor::all_checks();
  const auto check = std::ranges::find(checks, id, &doctor::Check::id);
  REQUIRE(check != checks.end());
  return check->examine(machine);
}

inline Finding finding(const Node& node, const std::string& id) {
  return finding(machine_of(node), id);
}

// The check's finding must change when the node is fixed.
inline void must_say(const Node& node, const std::string& id, Status status) {
  const Finding found = finding(node, id);
  INFO(id << ": " << to_string(found.status) << ", " << found.consequence);
  CHECK(found.status == status);
  CHECK_FALSE(found.evidence.empty());
  CHECK_FALSE(found.consequence.empty());
  CHECK_FALSE(found.fix.empty());
}

}  // namespace eightfold::test
