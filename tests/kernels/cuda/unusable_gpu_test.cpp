#include "kernels/cuda/unusable_gpu.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/test.hpp"

using namespace eightfold;
using namespace eightfold::kernels::cuda;

namespace {

// The message of the error, empty without one.
std::string complaint(const GpuSearch& search) {
  try {
    require_absent(search);
    return {};
  } catch (const base::Error& error) {
    CHECK(error.exit_code() == base::ExitCode::environment);
    return error.what();
  }
}

bool is_accepted(const GpuSearch& search) {
  return complaint(search).empty();
}

constexpr int kOld = 12040, kNew = 13000;

}  // namespace

TEST_CASE("a machine without a GPU is one without a driver, or one whose driver finds none") {
  CHECK(is_accepted({Obstacle::old_driver, "", 0, kNew, false, {}}));
  CHECK(is_accepted({Obstacle::no_device, "", kNew, kNew, false, {}}));
}

TEST_CASE("a driver that is too old is an error with its version and that of the program") {
  const std::string said = complaint({Obstacle::old_driver, "driver too old", kOld, kNew, false, {}});
  CHECK(said.find("driver too old (CUDA of the driver: 12.4, of this program: 13.0)") != std::string::npos);
  CHECK_FALSE(is_accepted({Obstacle::old_driver, "", kOld, kNew, true, "-1"}));
}

TEST_CASE("a GPU whose driver has no library here is an error") {
  const std::string said = complaint({Obstacle::old_driver, "", 0, 12090, true, {}});
  CHECK(said.find("(CUDA of the driver: none, of this program: 12.9)") != std::string::npos);
}

TEST_CASE("a GPU that CUDA does not find is an error unless the user hides it") {
  const auto found_none = [](std::optional<std::string> visible) {
    return is_accepted({Obstacle::no_device, "", kNew, kNew, true, std::move(visible)});
  };
  for (const char* hides : {"", "-1", "NoDevFiles", "none"}) CHECK(found_none(hides));
  for (const char* shows : {"0", "3,1", "GPU-5a1f", "MIG-7"}) CHECK_FALSE(found_none(shows));
  CHECK_FALSE(found_none(std::nullopt));
}

TEST_CASE("a driver that does not answer is an error, whatever is visible") {
  CHECK_FALSE(is_accepted({Obstacle::other, "system not yet initialized", kNew, kNew, true, ""}));
  CHECK_FALSE(is_accepted({Obstacle::other, "", kNew, kNew, false, {}}));
}
