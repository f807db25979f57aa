#include "kernels/cast.hpp"

#include "tests/kernels/cuda/support.hpp"

using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

namespace {

template <class From, class To>
void check_cast(const Array<From>& x) {
  const auto size = static_cast<std::int64_t>(x.size());
  for (const std::int64_t offset : kOffsets)
    check_bits(
        offset, [](StreamView stream, Tensor from, Tensor to) { cast(stream, from, to); }, x,
        Array<To>(Shape{size}));
}

// Every 16-bit pattern.
template <class Half>
Array<Half> all_patterns() {
  Array<Half> patterns(Shape{65536});
  for (std::int64_t i = 0; i < 65536; ++i) patterns[i] = {static_cast<std::uint16_t>(i)};
  return patterns;
}

// fp32 patterns of every sign and exponent, infinity and NaN included, with mantissas that round up, down and
// to even.
Floats all_exponents() {
  Floats values(Shape{512 * 129 + 1});
  for (std::int64_t i = 0; i < 512 * 129 + 1; ++i) {
    const auto pattern = static_cast<std::uint32_t>(i);
    values[i] = std::bit_cast<float>((pattern / 129 << 23) + (pattern % 129) * 0xFFF1U);
  }
  return values;
}

}  // namespace

TEST_CASE("casts on a GPU have the bits of the host") {
  check_cast<BFloat16, float>(all_patterns<BFloat16>());
  check_cast<Float16, float>(all_patterns<Float16>());
  check_cast<float, BFloat16>(all_exponents());
  check_cast<float, Float16>(all_exponents());
  check_cast<BFloat16, Float16>(all_patterns<BFloat16>());
  check_cast<Float16, BFloat16>(all_patterns<Float16>());
  check_cast<float, float>(all_exponents());
}

TEST_CASE("casts of few elements touch no others") {
  for (const std::int64_t size : {0, 1, 3, 5}) {
    check_cast<float, Float16>(random_floats(Shape{size}, 1));
    check_cast<BFloat16, float>(Array<BFloat16>(Shape{size}, BFloat16{0x3F80}));
  }
}
