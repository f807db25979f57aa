#include "kernels/base/descriptor.hpp"

#include "tests/support/test.hpp"

#include <fcntl.h>

#include <cerrno>

using eightfold::base::Descriptor;

namespace {

Descriptor open_nothing() {
  Descriptor descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  REQUIRE(descriptor.is_open());
  return descriptor;
}

bool is_in_use(int number) {
  return ::fcntl(number, F_GETFD) >= 0 || errno != EBADF;
}

}  // namespace

TEST_CASE("a descriptor is closed once, by its last owner") {
  int number = -1;
  {
    Descriptor first = open_nothing();
    number = first.get();
    const Descriptor second(std::move(first));
    CHECK_FALSE(first.is_open());  // NOLINT(bugprone-use-after-move): that is what is asked
    CHECK(second.get() == number);
    CHECK(is_in_use(number));
  }
  CHECK_FALSE(is_in_use(number));
}

TEST_CASE("a descriptor that is given another file closes its own") {
  Descriptor descriptor = open_nothing();
  const int before = descriptor.get();
  Descriptor next = open_nothing();
  const int after = next.get();
  descriptor = std::move(next);
  CHECK_FALSE(is_in_use(before));
  CHECK(descriptor.get() == after);
  Descriptor& itself = descriptor;
  descriptor = std::move(itself);  // nothing happens
  CHECK(is_in_use(after));
}

TEST_CASE("a descriptor that was given away or failed to open is nobody's to close") {
  Descriptor descriptor = open_nothing();
  const int number = descriptor.release();
  CHECK_FALSE(descriptor.is_open());
  descriptor.close();
  CHECK(is_in_use(number));
  CHECK(::close(number) == 0);
  CHECK_FALSE(Descriptor(-1).is_open());
}
