#pragma once

// Checks of keys that go together: each is made if none of its keys is in doubt already.

#include "runtime/config/errors.hpp"
#include "runtime/config/fill.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace eightfold::runtime::config {

class Together {
 public:
  // Full names are `prefix`, if there is one, a dot and a key; `otherwise` is the place of keys at their
  // default.
  Together(std::string prefix, const Origins& origins, const Place& otherwise, ErrorList& errors)
      : prefix_(std::move(prefix)), origins_(origins), otherwise_(otherwise), errors_(errors) {}

  std::string full_name(std::string_view key) const {
    return prefix_.empty() ? std::string(key) : fmt::format("{}.{}", prefix_, key);
  }
  std::string place(std::string_view key) const {
    return place_of(origins_, full_name(key), otherwise_).text;
  }
  // `check` throws a ConfigError, which is collected.
  template <class Check>
  void check(std::initializer_list<std::string_view> keys, const Check& check) const {
    if (std::ranges::none_of(keys, [&](std::string_view key) { return errors_.doubts(full_name(key)); }))
      errors_.collect(check);
  }

 private:
  std::string prefix_;
  const Origins& origins_;
  const Place& otherwise_;
  ErrorList& errors_;
};

}  // namespace eightfold::runtime::config
