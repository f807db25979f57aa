#pragma once

// The eightfold program with the fault injector loaded. It runs a job of 30 steps, with a checkpoint after
// every fifth, on a machine that fails as asked.

#include "tests/launch/program.hpp"
#include "tests/support/scratch.hpp"

#include <map>
#include <string>
#include <vector>

namespace eightfold::test {

// Faults are variables of fault_injector.cpp; calls count on paths below the run's checkpoints.
inline Command faulty_program(const std::vector<std::string>& arguments, const Scratch& scratch, int ranks,
                              std::map<std::string, std::string> faults) {
  scratch.file("job.toml", kTinyJob + "[checkpoint]\nevery = 5\nkeep = 6\n");
  faults.insert({{"LD_PRELOAD", EIGHTFOLD_FAULT_INJECTOR},
                 {"FAULT_UNDER", "/checkpoints"},
                 {"ASAN_OPTIONS", "detect_leaks=0:verify_asan_link_order=0"}});
  return program(arguments, ranks, scratch.path(), faults);
}

inline Command faulty_training(const Scratch& scratch, int ranks, std::map<std::string, std::string> faults,
                               const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {"train", "job.toml"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return faulty_program(arguments, scratch, ranks, std::move(faults));
}

// The result of the job if nothing fails.
inline std::string undisturbed_hash(int ranks, const std::vector<std::string>& more = {}) {
  const Scratch scratch;
  return result_of(run(faulty_training(scratch, ranks, {}, more)))["weight_hash"];
}

}  // namespace eightfold::test
