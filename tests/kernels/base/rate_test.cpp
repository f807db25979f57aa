#include "kernels/base/rate.hpp"

#include "tests/support/test.hpp"

using eightfold::base::format_rate;

TEST_CASE("a rate is told in bytes and in bits, with three digits that count") {
  CHECK(format_rate(0.0239) == "0.0239 GB/s (0.191 Gbit/s)");
  CHECK(format_rate(50) == "50 GB/s (400 Gbit/s)");
  CHECK(format_rate(3.125) == "3.12 GB/s (25 Gbit/s)");
  CHECK(format_rate(200) == "200 GB/s (1600 Gbit/s)");
  CHECK(format_rate(0) == "0 GB/s (0 Gbit/s)");
}
