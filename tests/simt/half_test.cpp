#include "tests/simt/half.hpp"

#include "tests/simt/support.hpp"
#include "tests/support/test.hpp"

#include <cmath>
#include <cstring>

namespace eightfold::simt::testing {
namespace {

__half half(double x) {
  return __double2half(x);
}
__nv_bfloat16 bfloat(double x) {
  return __double2bfloat16(x);
}
template <class Half>
double number(Half x) {
  return static_cast<double>(static_cast<float>(x));
}

TEST_CASE("fused multiply-add of 16-bit numbers rounds once") {
  // The product lies half-way between two numbers, and what is added decides however small it is.
  CHECK(number(__hfma(half(1 + 0x1p-10), half(1 + 0x1p-1), half(0))) == 1.5 + 0x1p-9);
  CHECK(number(__hfma(half(1 + 0x1p-10), half(1 + 0x1p-1), half(-0x1p-24))) == 1.5 + 0x1p-10);
  CHECK(number(__hfma(bfloat(1 + 0x1p-7), bfloat(1 + 0x1p-1), bfloat(0))) == 1.5 + 0x1p-6);
  CHECK(number(__hfma(bfloat(1 + 0x1p-7), bfloat(1 + 0x1p-1), bfloat(-0x1p-130))) == 1.5 + 0x1p-7);
  CHECK(number(__hfma(bfloat(1 + 0x1p-7), bfloat(1 + 0x1p-1), bfloat(0x1p-130))) == 1.5 + 0x1p-6);
  CHECK(std::isinf(number(__hfma(half(60000), half(2), half(0)))));
  CHECK(std::isnan(number(__hfma(bfloat(INFINITY), bfloat(1), bfloat(-INFINITY)))));
}

TEST_CASE("fused multiply-add stops at its limits") {
  CHECK(number(__hfma_sat(half(3), half(2), half(0))) == 1);
  CHECK(number(__hfma_sat(half(-3), half(2), half(0))) == 0);
  CHECK(number(__hfma_sat(bfloat(NAN), bfloat(2), bfloat(0))) == 0);
  CHECK(number(__hfma_relu(bfloat(-3), bfloat(2), bfloat(1))) == 0);
  CHECK(number(__hfma_relu(half(3), half(2), half(1))) == 7);
  CHECK(std::isnan(number(__hfma_relu(half(NAN), half(2), half(0)))));
}

TEST_CASE("pairs of 16-bit numbers are worked on one by one") {
  const __half2 a{half(1), half(2)}, b{half(3), half(4)}, c{half(5), half(6)};
  const __half2 sum = __hfma2(a, b, c);
  CHECK(number(sum.x) == 8);
  CHECK(number(sum.y) == 14);
  CHECK(number(__hfma2_sat(a, b, c).y) == 1);
  CHECK(number(__hfma2_relu(a, b, c).x) == 8);
  const __nv_bfloat162 roots = h2sqrt(__nv_bfloat162{bfloat(4), bfloat(9)});
  CHECK(number(roots.x) == 2);
  CHECK(number(roots.y) == 3);
}

template <class Half>
void check_functions(Half (*of)(double)) {
  CHECK(number(hceil(of(1.25))) == 2);
  CHECK(number(hfloor(of(-1.25))) == -2);
  CHECK(number(hrint(of(2.5))) == 2);
  CHECK(number(htrunc(of(-1.75))) == -1);
  CHECK(number(hexp(of(0))) == 1);
  CHECK(number(hexp(of(1))) == number(of(2.718281828459045)));
  CHECK(number(hexp2(of(-3))) == 0.125);
  CHECK(number(hexp10(of(2))) == 100);
  CHECK(number(hlog(of(1))) == 0);
  CHECK(number(hlog2(of(0.5))) == -1);
  CHECK(number(hlog10(of(100))) == 2);
  CHECK(number(hsqrt(of(2))) == number(of(1.4142135623730951)));
  CHECK(number(hrsqrt(of(4))) == 0.5);
  CHECK(number(hrcp(of(3))) == number(of(1.0 / 3)));
  CHECK(number(hsin(of(0))) == 0);
  CHECK(number(hcos(of(0))) == 1);
  CHECK(number(htanh(of(20))) == 1);
  CHECK(std::isnan(number(hlog(of(-1)))));
}

TEST_CASE("functions of 16-bit numbers are rounded to their type") {
  check_functions(&half);
  check_functions(&bfloat);
}

TEST_CASE("conversions of the toolkit's headers round to nearest on the host too") {
  CHECK(number(__float2half_rn(1 + 0x1p-11F)) == 1);
  CHECK(number(__float2half_rn(1 + 0x1.8p-11F)) == 1 + 0x1p-10);
  CHECK(number(__float2bfloat16_rn(1 + 0x1p-8F)) == 1);
  CHECK(number(__float2bfloat16_ru(1 + 0x1p-20F)) == 1 + 0x1p-7);
  CHECK(__half_as_ushort(half(1)) == 0x3C00U);
  CHECK(__bfloat16_as_ushort(__ushort_as_bfloat16(0x3F80U)) == 0x3F80U);
}

constexpr unsigned kAll = 0xFFFFFFFFU;

__global__ void half_sums_kernel(const __half* in, __half* sum, __nv_bfloat16* bfloat_sum, __half2* pairs,
                                 __nv_bfloat162* bfloat_pairs) {
  const __half x = __ldg(in + threadIdx.x);
  atomicAdd(sum, x);
  atomicAdd(bfloat_sum, __float2bfloat16(__half2float(x)));
  const __half2 pair{x, __shfl_xor_sync(kAll, x, 1)};
  atomicAdd(pairs, pair);
  const __half2 moved = __shfl_sync(kAll, pair, 0);
  if (threadIdx.x == 5) __stcs(pairs + 1, moved);
  atomicAdd(bfloat_pairs, __nv_bfloat162{__float2bfloat16(1), __float2bfloat16(__half2float(x))});
}

TEST_CASE("16-bit numbers are added atomically, shuffled, loaded and stored") {
  const Stream stream(kCuda);
  // As their bits, in bytes: buffers know no such types.
  const auto words = [](std::vector<std::uint16_t> bits) {
    std::vector<std::uint8_t> bytes(2 * bits.size());
    std::memcpy(bytes.data(), bits.data(), bytes.size());
    return bytes;
  };
  std::vector<std::uint16_t> values;
  for (int i = 0; i < 32; ++i) values.push_back(__half_as_ushort(half(i % 4)));
  const auto in = on_device(stream, words(values)), out = on_device(stream, std::vector<std::uint8_t>(16));
  auto* halves = reinterpret_cast<__half*>(out.data());
  auto* bfloats = reinterpret_cast<__nv_bfloat16*>(out.data());
  launch(stream, {dim3(1), dim3(32)}, half_sums_kernel, reinterpret_cast<const __half*>(in.data()), halves,
         bfloats + 1, reinterpret_cast<__half2*>(halves + 2), reinterpret_cast<__nv_bfloat162*>(bfloats + 6));
  const auto should =
      words({__half_as_ushort(half(48)), __bfloat16_as_ushort(bfloat(48)), __half_as_ushort(half(48)),
             __half_as_ushort(half(48)), __half_as_ushort(half(0)), __half_as_ushort(half(1)),
             __bfloat16_as_ushort(bfloat(32)), __bfloat16_as_ushort(bfloat(48))});
  CHECK(on_host(stream, out) == should);
}

}  // namespace
}  // namespace eightfold::simt::testing
