#include "runtime/data/input_stage.hpp"

#include "kernels/device.hpp"
#include "tests/support/process.hpp"
#include "tests/support/test.hpp"

#include <filesystem>
#include <vector>

using namespace eightfold;
using namespace eightfold::runtime;

namespace {

constexpr int kPasses = 20;
constexpr std::int64_t kRows = 3;
const kernels::Shape kSample = {5, 1, 2};

std::uint8_t byte_of(int pass, std::size_t i) {
  return static_cast<std::uint8_t>(7 * pass + 3 * static_cast<int>(i));
}

// Memory of the host for all passes, none of which is waited for before the last.
struct Passes {
  explicit Passes(kernels::Device device) {
    for (int pass = 0; pass < kPasses; ++pass) {
      for (std::size_t i = 0; auto& byte : images.emplace_back(device, kRows * 10).span())
        byte = byte_of(pass, i++);
      for (auto& label : labels.emplace_back(device, kRows).span()) label = pass;
      inputs.emplace_back(device, kRows * 10);
      labels_seen.emplace_back(device, kRows);
    }
  }
  std::vector<kernels::PinnedBuffer<std::uint8_t>> images;
  std::vector<kernels::PinnedBuffer<std::int32_t>> labels, labels_seen;
  std::vector<kernels::PinnedBuffer<float>> inputs;
};

// Each channel of a pass is 2 b + 1 or b / 2 - 3, exact in fp32, and its labels are its own when the stream
// comes to them, after everything else.
void check_passes(kernels::Device device) {
  const kernels::Stream stream(device);
  const Passes passes(device);
  const kernels::Shape shape = {kRows, 5, 1, 2};
  const kernels::Buffer<float> input(device, kRows * 10);
  data::InputStage stage(device, {{2.0F, 0.5F}, {1.0F, -3.0F}}, kSample, kRows);
  for (std::size_t pass = 0; pass < kPasses; ++pass) {
    const kernels::ConstTensor labels = stage.load(stream, passes.images[pass].tensor(shape),
                                                   passes.labels[pass].tensor({kRows}), input.tensor(shape));
    kernels::copy(stream, input.tensor(shape), passes.inputs[pass].tensor(shape));
    kernels::copy(stream, labels, passes.labels_seen[pass].tensor({kRows}));
  }
  stream.view().synchronize();
  for (int pass = 0; pass < kPasses; ++pass) {
    CAPTURE(pass);
    const auto values = passes.inputs[static_cast<std::size_t>(pass)].span();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto byte = static_cast<float>(byte_of(pass, i));
      CHECK(values[i] == (i % 2 == 0 ? 2 * byte + 1 : byte / 2 - 3));
    }
    for (const std::int32_t label : passes.labels_seen[static_cast<std::size_t>(pass)].span())
      CHECK(label == pass);
  }
}

}  // namespace

TEST_CASE("passes become their input and labels while none is waited for") {
  check_passes({});
  check_passes({kernels::DeviceKind::cuda, 0});
}

// A GPU knows no delays, and repeats itself.
TEST_CASE("passes do not overtake each other on a device whose streams are late at random") {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  const auto delayed = test::run({{program, "passes become their input and labels while none is waited for"},
                                  {{"SIMT_DELAY", "0.5/3000"}},
                                  {}});
  INFO(delayed.out << delayed.err);
  CHECK(delayed.status == 0);
}
