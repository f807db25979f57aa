#pragma once

// Runs a crash of this program in a child, so that this process survives and sees the child's signal and
// output.

#include <functional>
#include <string>

namespace eightfold::test {

struct ChildEnd {
  int signal = 0;    // that ended it; 0: none did
  std::string said;  // on standard error
};

// Runs `action` in a fork of this process. Throws std::system_error if there can be none.
ChildEnd end_of_child(const std::function<void()>& action);

}  // namespace eightfold::test
