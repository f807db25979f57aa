#pragma once

// The names of functions, for messages: also of those that no dynamic symbol names.

#include <string>

namespace eightfold::simt {

// The function that `address` lies in, demangled, from the symbol table of its file; "(unknown)" in a
// stripped one.
std::string function_name(const void* address);

}  // namespace eightfold::simt
