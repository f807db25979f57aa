#pragma once

// The result of a check of a machine: a status, its evidence, the consequence for training, and the one
// command that would change it.

#include <string>
#include <string_view>
#include <vector>

namespace eightfold::runtime::doctor {

// In ascending order of urgency.
enum class Status {
  pass,
  skip,     // does not apply to this machine
  unknown,  // applies, but cannot be told from here
  warn,     // training works, but slower or less safely than it could
  fail,     // training does not work, or GPUDirect does not although the hardware has it
};
std::string_view to_string(Status status);

// A fact: a file of the machine, a variable or a library's function, and what it said.
struct Evidence {
  std::string path;
  std::string value;
};

struct Finding {
  Status status = Status::pass;
  std::vector<Evidence> evidence;
  std::string consequence;  // for SKIP and UNKNOWN: why it is not known; empty for PASS
  std::string fix;          // a command or a line of one; empty where there is nothing to do
};

Finding pass(std::vector<Evidence> evidence);
Finding skip(std::string reason);
Finding unknown(std::vector<Evidence> evidence, std::string reason, std::string fix = {});
Finding warn(std::vector<Evidence> evidence, std::string consequence, std::string fix);
Finding fail(std::vector<Evidence> evidence, std::string consequence, std::string fix);

}  // namespace eightfold::runtime::doctor
