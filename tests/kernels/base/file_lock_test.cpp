#include "kernels/base/file_lock.hpp"

#include "kernels/base/file.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <fcntl.h>

namespace eightfold::base {
namespace {

using test::Scratch;

TEST_CASE("a file that is locked for one alone is nobody else's until it is closed") {
  const Scratch scratch;
  const std::filesystem::path path = scratch / "file";
  write_file_durably(path, "");
  const auto opened = [&] { return Descriptor(::open(path.c_str(), O_RDWR | O_CLOEXEC)); };
  const Descriptor other = opened();
  {
    const Descriptor mine = opened();
    CHECK(try_lock(mine, Sharing::exclusive, path) == Lock::taken);
    CHECK(try_lock(other, Sharing::exclusive, path) == Lock::held);
    CHECK(try_lock(other, Sharing::shared, path) == Lock::held);
  }
  CHECK(try_lock(other, Sharing::shared, path) == Lock::taken);
  const Descriptor third = opened();
  CHECK(try_lock(third, Sharing::shared, path) == Lock::taken);
  CHECK(try_lock(third, Sharing::exclusive, path) == Lock::held);
}

}  // namespace
}  // namespace eightfold::base
