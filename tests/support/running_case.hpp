#pragma once

#include <chrono>
#include <string>

namespace eightfold::test {

// The test case that runs now, for watchdogs; no name between two cases.
struct RunningCase {
  std::string name;
  std::chrono::steady_clock::time_point since;
};
RunningCase running_case();  // thread-safe

}  // namespace eightfold::test
