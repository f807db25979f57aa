#include "tests/simt/executed_kernels.hpp"

#include "tests/simt/settings.hpp"
#include "tests/simt/symbol.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <mutex>
#include <set>

namespace eightfold::simt {
namespace {

struct Executed {
  std::mutex mutex;
  std::set<const void*> kernels;
};

// Never destroyed: streams may run kernels to the program's very end.
Executed& executed() {
  static Executed& result = *new Executed;
  return result;
}

// At the end, for to look names up takes longer than most kernels and would hold up their streams.
void write_names() {
  Executed& all = executed();
  const std::lock_guard lock(all.mutex);
  std::ofstream file(fmt::format("{}/{}", settings().kernels_directory, ::getpid()), std::ios::app);
  for (const void* kernel : all.kernels) file << function_name(kernel) << '\n';
}

}  // namespace

void record_executed(const void* kernel) {
  if (settings().kernels_directory.empty()) return;
  static const int registered = std::atexit(&write_names);
  static_cast<void>(registered);
  Executed& all = executed();
  const std::lock_guard lock(all.mutex);
  all.kernels.insert(kernel);
}

}  // namespace eightfold::simt
