#include "kernels/base/counted.hpp"

#include "tests/support/test.hpp"

#include <cstddef>
#include <cstdint>

using eightfold::base::counted;

TEST_CASE("a noun has an s unless there is exactly one of it") {
  CHECK(counted(0, "rank") == "0 ranks");
  CHECK(counted(1, "rank") == "1 rank");
  CHECK(counted(2, "rank") == "2 ranks");
  CHECK(counted(-1, "step") == "-1 steps");
  CHECK(counted(std::size_t{1}, "host thread") == "1 host thread");
  CHECK(counted(std::int64_t{1} << 40, "sample") == "1099511627776 samples");
}
