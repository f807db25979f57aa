#pragma once

// The names of functions, for messages: also of those that no dynamic symbol names.

#include <array>
#include <string>

namespace eightfold::simt {

// The function that `address` lies in, demangled, from the symbol table of its file; "(unknown)" in a
// stripped one.
std::string function_name(const void* address);

// The call stack at its construction. Cheap until somebody asks for the names.
class CallStack {
 public:
  CallStack();
  // A line for each function, the innermost first; the runtime's own are left out.
  std::string text() const;

 private:
  static constexpr int kMaxCallers = 16;
  std::array<void*, kMaxCallers> callers_{};
  int count_;
};

}  // namespace eightfold::simt
