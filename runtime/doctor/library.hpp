#pragma once

// A shared library that is loaded for its answers and never unloaded.

#include "runtime/doctor/libraries.hpp"

namespace eightfold::runtime::doctor {

class Library {
 public:
  // By a name for the dynamic linker or a path; an empty one is this program with all it is linked to.
  explicit Library(const std::string& file);

  // Its function of that name, or null; source() then says what is missing if it was `needed`.
  template <class Function>
  Function* needed(const char* name) {
    return reinterpret_cast<Function*>(address(name, true));
  }
  template <class Function>
  Function* optional(const char* name) {
    return reinterpret_cast<Function*>(address(name, false));
  }

  const Source& source() const noexcept { return source_; }

 private:
  void* address(const char* name, bool is_needed);

  void* handle_;
  Source source_;
};

}  // namespace eightfold::runtime::doctor
