#pragma once

// The parts that the toolkit's cuda_fp16.h and cuda_bf16.h give to nvcc alone: fused multiply-add, functions
// and atomics. Shuffles, loads and stores of these types are templates of warp.hpp and intrinsics.hpp.
// Functions are fp32's, rounded: their last bit may differ from a GPU's; everything else is exact.

#include "tests/simt/atomics.hpp"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace eightfold::simt {

template <class Half>
Half rounded(double x) {
  if constexpr (std::is_same_v<Half, __half>)
    return __double2half(x);
  else
    return __double2bfloat16(x);
}

// a b + c as a double whose last bit says whether anything was lost, so that rounding once more is rounding
// once (rounding to odd). Products of these types are exact.
inline double fused(double a, double b, double c) {
  const double product = a * b, sum = product + c, from_c = sum - product;
  const double lost = (product - (sum - from_c)) + (c - from_c);
  if (!std::isfinite(sum) || lost == 0 || (std::bit_cast<std::uint64_t>(sum) & 1U) != 0) return sum;
  return std::nextafter(sum, std::copysign(std::numeric_limits<double>::infinity(), lost));
}

template <class Half>
Half fma_of(Half a, Half b, Half c) {
  return rounded<Half>(fused(static_cast<float>(a), static_cast<float>(b), static_cast<float>(c)));
}

}  // namespace eightfold::simt

// ---- a b + c, rounded once; _sat: then moved into [0, 1], NaN to 0; _relu: then at least 0, NaN stays.

#define SIMT_HALF_FMA(Half, Pair)                                             \
  inline Half __hfma(Half a, Half b, Half c) {                                \
    return eightfold::simt::fma_of(a, b, c);                                  \
  }                                                                           \
  inline Half __hfma_sat(Half a, Half b, Half c) {                            \
    const auto x = static_cast<float>(__hfma(a, b, c));                       \
    return eightfold::simt::rounded<Half>(x > 0 ? (x < 1 ? x : 1.0F) : 0.0F); \
  }                                                                           \
  inline Half __hfma_relu(Half a, Half b, Half c) {                           \
    const auto x = static_cast<float>(__hfma(a, b, c));                       \
    return eightfold::simt::rounded<Half>(x < 0 ? 0.0F : x);                  \
  }                                                                           \
  inline Pair __hfma2(Pair a, Pair b, Pair c) {                               \
    return {__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y)};                    \
  }                                                                           \
  inline Pair __hfma2_sat(Pair a, Pair b, Pair c) {                           \
    return {__hfma_sat(a.x, b.x, c.x), __hfma_sat(a.y, b.y, c.y)};            \
  }                                                                           \
  inline Pair __hfma2_relu(Pair a, Pair b, Pair c) {                          \
    return {__hfma_relu(a.x, b.x, c.x), __hfma_relu(a.y, b.y, c.y)};          \
  }
SIMT_HALF_FMA(__half, __half2)
SIMT_HALF_FMA(__nv_bfloat16, __nv_bfloat162)
#undef SIMT_HALF_FMA

// ---- Functions: hname(x) of one number, h2name(x) of two.

#define SIMT_HALF_FUNCTION_OF(Half, Pair, name, value) \
  inline Half h##name(Half h) {                        \
    const auto x = static_cast<float>(h);              \
    return eightfold::simt::rounded<Half>(value);      \
  }                                                    \
  inline Pair h2##name(Pair p) {                       \
    return {h##name(p.x), h##name(p.y)};               \
  }
#define SIMT_HALF_FUNCTION(name, value)               \
  SIMT_HALF_FUNCTION_OF(__half, __half2, name, value) \
  SIMT_HALF_FUNCTION_OF(__nv_bfloat16, __nv_bfloat162, name, value)
SIMT_HALF_FUNCTION(ceil, std::ceil(x))
SIMT_HALF_FUNCTION(floor, std::floor(x))
SIMT_HALF_FUNCTION(rint, std::nearbyint(x))
SIMT_HALF_FUNCTION(trunc, std::trunc(x))
SIMT_HALF_FUNCTION(exp, std::exp(x))
SIMT_HALF_FUNCTION(exp2, std::exp2(x))
SIMT_HALF_FUNCTION(exp10, std::pow(10.0F, x))
SIMT_HALF_FUNCTION(log, std::log(x))
SIMT_HALF_FUNCTION(log2, std::log2(x))
SIMT_HALF_FUNCTION(log10, std::log10(x))
SIMT_HALF_FUNCTION(sqrt, std::sqrt(x))
SIMT_HALF_FUNCTION(rsqrt, 1 / std::sqrt(static_cast<double>(x)))
SIMT_HALF_FUNCTION(rcp, 1 / static_cast<double>(x))
SIMT_HALF_FUNCTION(sin, std::sin(x))
SIMT_HALF_FUNCTION(cos, std::cos(x))
SIMT_HALF_FUNCTION(tanh, std::tanh(x))
#undef SIMT_HALF_FUNCTION
#undef SIMT_HALF_FUNCTION_OF

// ---- Atomics: on the bits, which are the only member. The two numbers of a pair are added one by one.

namespace eightfold::simt {
template <class Half>
Half half_of(unsigned short bits) {
  Half half;
  std::memcpy(static_cast<void*>(&half), &bits, sizeof half);
  return half;
}
template <class Half>
Half atomic_add(Half* at, Half value) {
  return half_of<Half>(atomic_update(reinterpret_cast<unsigned short*>(at), [&](unsigned short old) {
    const Half sum = __hadd(half_of<Half>(old), value);
    return *reinterpret_cast<const unsigned short*>(&sum);
  }));
}
}  // namespace eightfold::simt

#define SIMT_HALF_ATOMIC(Half, Pair)               \
  inline Half atomicAdd(Half* at, Half value) {    \
    return eightfold::simt::atomic_add(at, value); \
  }                                                \
  inline Pair atomicAdd(Pair* at, Pair value) {    \
    const Half x = atomicAdd(&at->x, value.x);     \
    return {x, atomicAdd(&at->y, value.y)};        \
  }
SIMT_HALF_ATOMIC(__half, __half2)
SIMT_HALF_ATOMIC(__nv_bfloat16, __nv_bfloat162)
#undef SIMT_HALF_ATOMIC
