#pragma once

// What a crash of this very program does and says: tried in a child, which this process outlives.

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
