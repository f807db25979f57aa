// The main of test programs that need a GPU. Where there is none, CTest calls their cases skipped.
#include "kernels/device.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <cstdio>
#include <string_view>

int main(int argc, char** argv) {
  [[maybe_unused]] constexpr int kSkipped = 77;
  const bool only_lists = std::any_of(
      argv + 1, argv + argc, [](const char* word) { return std::string_view(word).starts_with("--list"); });
  if (!only_lists && eightfold::kernels::device_count(eightfold::kernels::DeviceKind::cuda) == 0) {
#ifdef EIGHTFOLD_SIMT
    std::fputs("failed: the interpreted GPU is not in this program\n", stderr);
    return 1;
#else
    std::fputs("skipped: this machine has no GPU\n", stderr);
    return kSkipped;
#endif
  }
  return run_test_session(argc, argv);
}
