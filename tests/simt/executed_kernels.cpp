#include "tests/simt/executed_kernels.hpp"

#include "tests/simt/settings.hpp"
#include "tests/simt/symbol.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <mutex>
#include <set>

namespace eightfold::simt {

void record_executed(const void* kernel) {
  const std::string& directory = settings().kernels_directory;
  if (directory.empty()) return;
  static std::mutex mutex;
  static auto& known = *new std::set<const void*>;  // streams may outlive static objects
  const std::lock_guard lock(mutex);
  if (!known.insert(kernel).second) return;
  // At once: a program may end without returning from main.
  std::ofstream(fmt::format("{}/{}", directory, ::getpid()), std::ios::app) << function_name(kernel) << '\n';
}

}  // namespace eightfold::simt
