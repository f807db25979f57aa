#pragma once

// The message to a user about a refused file.

#include "kernels/base/error.hpp"

#include <functional>
#include <string>

namespace eightfold::test {

// "accepted" if there is nothing to read.
inline std::string message_of(const std::function<void()>& read) {
  try {
    read();
  } catch (const base::ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace eightfold::test
