#include "kernels/buffer.hpp"
#include "kernels/elementwise.hpp"
#include "tests/support/test.hpp"

#include <vector>

namespace eightfold::kernels {
namespace {

const Device kCuda{DeviceKind::cuda, 0};

TEST_CASE("fill runs as a kernel and comes back through pinned memory") {
  const Stream stream(kCuda);
  const Buffer<float> values(kCuda, 1001);
  const PinnedBuffer<float> back(kCuda, 1001);
  fill(stream, 3.5F, values.tensor());
  copy(stream, values.tensor(), back.tensor(Shape{1001}));
  stream.view().synchronize();
  CHECK(std::vector<float>(back.span().begin(), back.span().end()) == std::vector<float>(1001, 3.5F));
}

}  // namespace
}  // namespace eightfold::kernels
