#include "kernels/base/library.hpp"

#include <dlfcn.h>

namespace eightfold::base {
namespace {

std::string last_problem() {
  const char* words = ::dlerror();
  return words != nullptr ? words : "unknown reason";
}

}  // namespace

Library::Library(const std::string& file)
    // RTLD_LOCAL: the library's symbols must not take the place of those that this program is linked to.
    : handle_(::dlopen(file.empty() ? nullptr : file.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ == nullptr) source_ = {file, last_problem()};
}

void* Library::address(const char* name, bool is_needed) {
  if (handle_ == nullptr) return nullptr;
  void* const found = ::dlsym(handle_, name);
  Dl_info info{};
  if (found == nullptr) {
    if (is_needed) source_.problem = last_problem();
  } else if (source_.path.empty() && ::dladdr(found, &info) != 0 && info.dli_fname != nullptr) {
    source_.path = info.dli_fname;
  }
  return found;
}

}  // namespace eightfold::base
