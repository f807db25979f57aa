#pragma once

// Arithmetic that nvcc knows and a host compiler does not. The approximate functions (__expf, __fdividef ...)
// are exact to rounding here, and may differ from a GPU in the last bits.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

// ---- What device code finds without std::.

using std::isfinite;
using std::isinf;
using std::isnan;
using std::max;
using std::min;

// ---- Bits.

inline int __clz(int x) {
  return std::countl_zero(static_cast<unsigned>(x));
}
inline int __clzll(long long x) {
  return std::countl_zero(static_cast<unsigned long long>(x));
}
inline int __popc(unsigned x) {
  return std::popcount(x);
}
inline int __popcll(unsigned long long x) {
  return std::popcount(x);
}
// The position of the lowest set bit, counted from 1; 0 if there is none.
inline int __ffs(int x) {
  return x == 0 ? 0 : std::countr_zero(static_cast<unsigned>(x)) + 1;
}
inline int __ffsll(long long x) {
  return x == 0 ? 0 : std::countr_zero(static_cast<unsigned long long>(x)) + 1;
}
inline unsigned __brev(unsigned x) {
  unsigned reversed = 0;
  for (int bit = 0; bit < 32; ++bit) reversed = reversed << 1 | (x >> bit & 1U);
  return reversed;
}
// Byte i of the result is the byte of y:x that nibble i of the selector names.
inline unsigned __byte_perm(unsigned x, unsigned y, unsigned selector) {
  const std::uint64_t bytes = static_cast<std::uint64_t>(y) << 32 | x;
  unsigned result = 0;
  for (int i = 0; i < 4; ++i) {
    const unsigned nibble = selector >> (4 * i) & 0xFU;
    const auto byte = static_cast<std::uint8_t>(bytes >> (8 * (nibble & 7U)));
    const unsigned sign = (byte & 0x80U) != 0 ? 0xFFU : 0U;  // bit 3 of the nibble asks for the byte's sign
    result |= ((nibble & 8U) != 0 ? sign : byte) << (8 * i);
  }
  return result;
}
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>(((static_cast<std::uint64_t>(high) << 32 | low) << (shift & 31U)) >> 32);
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>((static_cast<std::uint64_t>(high) << 32 | low) >> (shift & 31U));
}

// ---- Integers.

inline int __mulhi(int a, int b) {
  return static_cast<int>(static_cast<std::int64_t>(a) * b >> 32);
}
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>(static_cast<std::uint64_t>(a) * b >> 32);
}
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<unsigned long long>(static_cast<Wide>(a) * b >> 64);
}
inline unsigned __usad(unsigned a, unsigned b, unsigned sum) {
  return (a < b ? b - a : a - b) + sum;
}
// sum plus the products of the four bytes of a and b.
namespace eightfold::simt {
template <class Byte, class Word>
Word dot_of_bytes(Word a, Word b, Word sum) {
  for (unsigned shift = 0; shift < 32; shift += 8)
    sum +=
        static_cast<Word>(static_cast<Byte>(a >> shift)) * static_cast<Word>(static_cast<Byte>(b >> shift));
  return sum;
}
}  // namespace eightfold::simt
inline int __dp4a(int a, int b, int sum) {
  return eightfold::simt::dot_of_bytes<signed char>(a, b, sum);
}
inline unsigned __dp4a(unsigned a, unsigned b, unsigned sum) {
  return eightfold::simt::dot_of_bytes<unsigned char>(a, b, sum);
}

// ---- Numbers as their bits.

inline int __float_as_int(float x) {
  return std::bit_cast<int>(x);
}
inline unsigned __float_as_uint(float x) {
  return std::bit_cast<unsigned>(x);
}
inline float __int_as_float(int x) {
  return std::bit_cast<float>(x);
}
inline float __uint_as_float(unsigned x) {
  return std::bit_cast<float>(x);
}
inline long long __double_as_longlong(double x) {
  return std::bit_cast<long long>(x);
}
inline double __longlong_as_double(long long x) {
  return std::bit_cast<double>(x);
}

// ---- Conversions: _rn to nearest, _rz towards zero, _rd down, _ru up. Out of range they stop at the last
// value.

namespace eightfold::simt {
template <class Integer>
Integer saturated(double x) {
  using Limits = std::numeric_limits<Integer>;
  if (std::isnan(x)) return 0;
  if (x <= static_cast<double>(Limits::min())) return Limits::min();
  return x >= static_cast<double>(Limits::max()) ? Limits::max() : static_cast<Integer>(x);
}
}  // namespace eightfold::simt

inline int __float2int_rn(float x) {
  return eightfold::simt::saturated<int>(std::nearbyint(x));
}
inline int __float2int_rz(float x) {
  return eightfold::simt::saturated<int>(std::trunc(x));
}
inline int __float2int_rd(float x) {
  return eightfold::simt::saturated<int>(std::floor(x));
}
inline int __float2int_ru(float x) {
  return eightfold::simt::saturated<int>(std::ceil(x));
}
inline unsigned __float2uint_rn(float x) {
  return eightfold::simt::saturated<unsigned>(std::nearbyint(x));
}
inline unsigned __float2uint_rz(float x) {
  return eightfold::simt::saturated<unsigned>(std::trunc(x));
}
inline float __int2float_rn(int x) {
  return static_cast<float>(x);
}
inline float __uint2float_rn(unsigned x) {
  return static_cast<float>(x);
}
inline float __double2float_rn(double x) {
  return static_cast<float>(x);
}

// ---- Arithmetic that no compiler fuses.

inline float __fadd_rn(float a, float b) {
  return a + b;
}
inline float __fsub_rn(float a, float b) {
  return a - b;
}
inline float __fmul_rn(float a, float b) {
  return a * b;
}
inline float __fdiv_rn(float a, float b) {
  return a / b;
}
inline float __fmaf_rn(float a, float b, float c) {
  return std::fma(a, b, c);
}
inline float __frcp_rn(float x) {
  return 1 / x;
}
inline float __fsqrt_rn(float x) {
  return std::sqrt(x);
}
inline double __dadd_rn(double a, double b) {
  return a + b;
}
inline double __dsub_rn(double a, double b) {
  return a - b;
}
inline double __dmul_rn(double a, double b) {
  return a * b;
}
inline double __ddiv_rn(double a, double b) {
  return a / b;
}
inline double __fma_rn(double a, double b, double c) {
  return std::fma(a, b, c);
}

// ---- Approximations on a GPU.

inline float __fdividef(float a, float b) {
  return a / b;
}
inline float __expf(float x) {
  return std::exp(x);
}
inline float __exp10f(float x) {
  return std::pow(10.0F, x);
}
inline float __logf(float x) {
  return std::log(x);
}
inline float __log2f(float x) {
  return std::log2(x);
}
inline float __log10f(float x) {
  return std::log10(x);
}
inline float __powf(float x, float y) {
  return std::pow(x, y);
}
inline float __sinf(float x) {
  return std::sin(x);
}
inline float __cosf(float x) {
  return std::cos(x);
}
inline float __saturatef(float x) {
  return x > 0 ? (x < 1 ? x : 1) : 0;
}  // NaN becomes 0
inline float __frsqrt_rn(float x) {
  return static_cast<float>(1 / std::sqrt(static_cast<double>(x)));
}
inline float rsqrtf(float x) {
  return __frsqrt_rn(x);
}
inline float rsqrt(float x) {
  return __frsqrt_rn(x);
}
inline double rsqrt(double x) {
  return 1 / std::sqrt(x);
}

// ---- Loads and stores with a wish about caches.

#define SIMT_LOAD(name)           \
  template <class Value>          \
  Value name(const Value* from) { \
    return *from;                 \
  }
SIMT_LOAD(__ldg)
SIMT_LOAD(__ldca)
SIMT_LOAD(__ldcg)
SIMT_LOAD(__ldcs)
SIMT_LOAD(__ldcv)
SIMT_LOAD(__ldlu)
#undef SIMT_LOAD

#define SIMT_STORE(name)                                    \
  template <class Value>                                    \
  void name(Value* to, std::type_identity_t<Value> value) { \
    *to = value;                                            \
  }
SIMT_STORE(__stcg)
SIMT_STORE(__stcs)
SIMT_STORE(__stwb)
SIMT_STORE(__stwt)
#undef SIMT_STORE
