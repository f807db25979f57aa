#pragma once

// The messages about a file: the place, the fault, the allowed values, and a likely intended one. Reading
// goes on after a fault, so that a user learns of all faults at once.

#include "kernels/base/error.hpp"
#include "runtime/config/tables.hpp"

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace eightfold::runtime::config {

// All that is wrong with a file, one line each: first what it has, in its order, then what it lacks. what()
// is the first line and how many more there are.
class ConfigErrors : public base::ConfigError {
 public:
  explicit ConfigErrors(std::vector<std::string> lines);  // one or more

  const std::vector<std::string>& lines() const noexcept { return lines_; }

 private:
  std::vector<std::string> lines_;
};

// The faults found so far. Each reading has one object.
class ErrorList {
 public:
  explicit ErrorList(std::string_view source) : source_(source) {}

  // Keeps the ConfigError that work() throws; whether it threw none.
  template <class Work>
  bool collect(const Work& work) {
    try {
      work();
      return true;
    } catch (const base::ConfigError& error) {
      lines_.emplace_back(error.what());
      return false;
    }
  }
  // The same for code that gives a key, a section or a layer of this full name its value. After an error that
  // value is unknown, and checks that depend on it are left out.
  template <class Work>
  void collect_for(std::string_view full_name, const Work& work) {
    if (!collect(work)) doubtful_.emplace(full_name);
  }
  // A key, or a list, that has to be given and is not. `place` is that of its section.
  void add_missing(const Place& place, std::string_view full_name, std::string_view allowed);
  bool doubts(std::string_view full_name) const { return doubtful_.contains(full_name); }

  // Throws ConfigErrors if it holds any fault.
  void raise() const;

 private:
  std::string source_;
  std::vector<std::string> lines_, missing_;
  std::set<std::string, std::less<>> doubtful_;
};

// `written` is how the message repeats the value. `word` is the value's text, if it has one, to find the
// choice that is like it.
[[noreturn]] void reject_value(const Place& place, std::string_view full_name, const KeyFacts& key,
                               std::string_view written, std::string_view word);

// A key of a table that holds nothing but lists: "model.layers". `full_name` is what the user addressed.
[[noreturn]] void reject_key(const Place& place, const Layout& layout, std::string_view section,
                             std::string_view name, std::string_view full_name);

// A key without its section, where that is needed.
[[noreturn]] void reject_lone_key(const Place& place, const Layout& layout, std::string_view name);

[[noreturn]] void reject_section(const Place& place, const Layout& layout, std::string_view name);

// Reports all keys that the layout does not have. It lists the keys that have an effect together with the
// given ones: the keys of one kind of layer.
void reject_unknown_keys(const Tables& tables, const Layout& layout, ErrorList& errors);

}  // namespace eightfold::runtime::config
