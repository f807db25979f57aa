#pragma once

// A shared library that is loaded for queries and never unloaded: some start threads or leave hooks that
// unloading does not undo. Declarations of its functions are the caller's own, as the library's documents
// have them; its headers need not be installed.

#include <string>

namespace eightfold::base {

// The file that answered, or why none did.
struct LibrarySource {
  std::string path;
  std::string problem;  // empty: it is loaded and has the functions that are needed

  bool loaded() const { return problem.empty(); }
};

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

  const LibrarySource& source() const noexcept { return source_; }

 private:
  void* address(const char* name, bool is_needed);

  void* handle_;
  LibrarySource source_;
};

}  // namespace eightfold::base
