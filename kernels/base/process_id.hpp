#pragma once

// A process, told from every other one on this machine and on those that share a file system with it.

#include <cstdint>
#include <string>

namespace eightfold::base {

struct ProcessId {
  std::string host;           // for people
  std::string kernel;         // a start of a machine: its containers and namespaces have the same
  std::string pid_namespace;  // within one, a number stands for one process at a time
  std::int64_t number = 0;
  std::int64_t start = 0;  // in ticks of the kernel: a later process of this number has another

  bool operator==(const ProcessId&) const = default;
};

// Unknown fields are empty, or 0.
ProcessId this_process();

// 128 bits in hexadecimal digits, drawn from the system: no other process has them.
std::string random_token();

// The letter of /proc/PID/stat: 'R' runs, 'T' is stopped, 'Z' has ended; '-': there is no such process, or
// it may not be looked at.
char state_of(std::int64_t number);

// `unknown`: its number means nothing here, or the system does not say.
enum class Life { alive, gone, unknown };
Life life_of(const ProcessId& process);

}  // namespace eightfold::base
