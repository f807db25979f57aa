// On a GPU this cannot be asked: no call of the backend tells which device a thread has.
#include "comm/engine/engine.hpp"
#include "kernels/base/error.hpp"
#include "tests/simt/devices.hpp"
#include "tests/support/ranks.hpp"
#include "tests/support/test.hpp"

using namespace eightfold;
using test::world;

TEST_CASE("the thread of an engine has the engine's device, wherever it first calls CUDA") {
  const kernels::Device second{kernels::DeviceKind::cuda, 1};
  REQUIRE_ALL_RANKS(kernels::device_count(second.kind) == 2);
  int device = -1;
  {
    comm::engine::Engine engine(world(), second);
    engine.run([&](comm::mpi::Communicator&) { device = simt::current_device(); });
  }
  CHECK_ALL_RANKS(device == 1);
}

TEST_CASE("an engine of a device that is not there does nothing and says why") {
  comm::engine::Engine engine(world(), {kernels::DeviceKind::cuda, 2});
  bool is_done = false, is_told = false;
  try {
    engine.run([&](comm::mpi::Communicator&) { is_done = true; });
  } catch (const base::EnvironmentError&) {
    is_told = true;
  }
  CHECK_ALL_RANKS(is_told);
  CHECK_ALL_RANKS(!is_done);
}
