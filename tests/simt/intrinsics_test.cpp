#include "tests/simt/intrinsics.hpp"

#include "tests/simt/atomics.hpp"
#include "tests/support/test.hpp"

#include <vector_functions.h>

#include <cmath>
#include <limits>

namespace {

TEST_CASE("bit intrinsics know zero and the outermost bits") {
  CHECK(__clz(0) == 32);
  CHECK(__clz(1) == 31);
  CHECK(__clz(-1) == 0);
  CHECK(__clzll(1) == 63);
  CHECK(__ffs(0) == 0);
  CHECK(__ffs(std::numeric_limits<int>::min()) == 32);
  CHECK(__ffsll(2) == 2);
  CHECK(__popc(0xF0F00001U) == 9);
  CHECK(__brev(1U) == 0x80000000U);
  CHECK(__brev(0x12345678U) == 0x1E6A2C48U);
  CHECK(__byte_perm(0x33221100U, 0x77665544U, 0x7150U) == 0x77115500U);
  CHECK(__byte_perm(0x000000F0U, 0U, 0x0008U) == 0xF0F0F0FFU);
  CHECK(__funnelshift_l(0x80000000U, 1U, 1U) == 3U);
  CHECK(__funnelshift_r(0U, 1U, 1U) == 0x80000000U);
}

TEST_CASE("products of integers keep their upper half") {
  CHECK(__umulhi(0xFFFFFFFFU, 0xFFFFFFFFU) == 0xFFFFFFFEU);
  CHECK(__mulhi(-1, 1) == -1);
  CHECK(__umul64hi(~0ULL, ~0ULL) == ~0ULL - 1);
  CHECK(__usad(3, 10, 5) == 12);
  CHECK(__dp4a(0x01FF0203, 0x04050607, 10) == 10 + 4 - 5 + 12 + 21);
  CHECK(__dp4a(0x01FF0203U, 0x04050607U, 10U) == 10 + 4 + 255 * 5 + 12 + 21);
}

TEST_CASE("conversions round as their names say and stop at the last value") {
  CHECK(__float2int_rn(2.5F) == 2);
  CHECK(__float2int_rn(3.5F) == 4);
  CHECK(__float2int_rz(-2.7F) == -2);
  CHECK(__float2int_rd(-2.1F) == -3);
  CHECK(__float2int_ru(2.1F) == 3);
  CHECK(__float2int_rn(1e20F) == std::numeric_limits<int>::max());
  CHECK(__float2int_rn(NAN) == 0);
  CHECK(__float2uint_rz(-1.0F) == 0U);
  CHECK(__float_as_uint(1.0F) == 0x3F800000U);
  CHECK(__uint_as_float(0x7F800000U) == std::numeric_limits<float>::infinity());
}

TEST_CASE("arithmetic intrinsics round once") {
  const float a = 1 + 0x1p-12F;
  CHECK(__fmaf_rn(a, a, -1.0F - 0x1p-11F) == 0x1p-24F);
  CHECK(__fadd_rn(__fmul_rn(a, a), -1.0F - 0x1p-11F) == 0);
  CHECK(__saturatef(-2) == 0);
  CHECK(__saturatef(2) == 1);
  CHECK(__saturatef(NAN) == 0);
  CHECK(rsqrtf(4) == 0.5F);
}

TEST_CASE("divisions and reciprocals are rounded as the standard says") {
  CHECK(__fdiv_rn(1, 3) == 1.0F / 3);
  CHECK(__frcp_rn(3) == 1.0F / 3);
  CHECK(__fsub_rn(1, 0x1p-25F) == 1);
  CHECK(__fsqrt_rn(2) == std::sqrt(2.0F));
  CHECK(__fma_rn(1 + 0x1p-30, 1 - 0x1p-30, -1) == -0x1p-60);
  CHECK(__fdividef(3, 4) == 0.75F);
  CHECK(__expf(0) == 1);
}

TEST_CASE("loads and stores with a wish about caches are loads and stores") {
  const float4 from = make_float4(1, 2, 3, 4);
  float4 to{};
  __stcs(&to, __ldg(&from));
  CHECK(to.w == 4);
  unsigned word = 0;
  __stcg(&word, static_cast<unsigned>(__ldcs(&from).x));
  CHECK(word == 1);
  for (const auto load : {&__ldca<unsigned>, &__ldcg<unsigned>, &__ldcv<unsigned>, &__ldlu<unsigned>})
    CHECK(load(&word) == 1);
  __stwb(&word, 2);
  __stwt(&word, word + 1);
  CHECK(word == 3);
}

TEST_CASE("atomics return the old value and store the new one") {
  int number = 5;
  CHECK(atomicAdd(&number, 3) == 5);
  CHECK(atomicSub(&number, 1) == 8);
  CHECK(atomicMax(&number, 20) == 7);
  CHECK(atomicMin(&number, 4) == 20);
  CHECK(atomicExch(&number, 9) == 4);
  CHECK(atomicCAS(&number, 8, 1) == 9);
  CHECK(atomicCAS(&number, 9, 1) == 9);
  CHECK(number == 1);
  unsigned bits = 0b1100;
  CHECK(atomicAnd(&bits, 0b0110U) == 0b1100U);
  CHECK(atomicOr(&bits, 0b0001U) == 0b0100U);
  CHECK(atomicXor(&bits, 0b1111U) == 0b0101U);
  CHECK(atomicInc(&bits, 10U) == 0b1010U);
  CHECK(atomicDec(&bits, 10U) == 0U);
  CHECK(bits == 10U);
  unsigned short narrow = 3;
  CHECK(atomicCAS(&narrow, 3, 4) == 3);
  CHECK(narrow == 4);
  double sum = 0.5;
  CHECK(atomicAdd(&sum, 1) == 0.5);
  CHECK(sum == 1.5);
}

}  // namespace
