// The device of the loader's thread. On a GPU no call of the backend tells it.
#include "runtime/data/loader.hpp"
#include "tests/simt/devices.hpp"
#include "tests/support/process.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <filesystem>

using namespace eightfold;
using namespace eightfold::runtime::data;

namespace {

// A sample's label is the device of the thread that reads it.
class AskingSource final : public Source {
 public:
  std::int64_t size() const override { return 8; }
  SampleShape sample_shape() const override { return {1, 1, 1}; }
  std::int64_t classes() const override { return 8; }
  void read(std::int64_t, std::span<std::uint8_t>, std::int32_t& label) const override {
    label = simt::current_device();
  }
};

}  // namespace

TEST_CASE("hidden: the loader of the second of two devices", "[.]") {
  const kernels::Device second{kernels::DeviceKind::cuda, 1};
  REQUIRE(kernels::device_count(second.kind) == 2);
  Loader loader({std::make_shared<AskingSource>(), BatchPlan{8, 8, 1, 0}, std::nullopt, 0, 0, 1}, second,
                nullptr);
  CHECK(std::ranges::count(loader.next().labels.span<std::int32_t>(), 1) == 8);
}

TEST_CASE("the thread of a loader has the loader's device") {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  const auto loaded =
      test::run({{program, "hidden: the loader of the second of two devices"}, {{"SIMT_DEVICES", "2"}}, {}});
  INFO(loaded.out << loaded.err);
  CHECK(loaded.status == 0);
}
