#pragma once

// The bits of 16-bit floating point, for host and device. Conversions from fp32 round to nearest, ties to
// even; NaN stays NaN (quiet, upper payload bits kept), overflow becomes infinity, subnormals are exact.

#include "kernels/random.hpp"
#include "kernels/tensor.hpp"

#include <cstdint>

namespace eightfold::kernels {

// std::bit_cast, which device code cannot call.
template <class To, class From>
EIGHTFOLD_HOST_DEVICE constexpr To bit_cast(From value) {
  return __builtin_bit_cast(To, value);
}

EIGHTFOLD_HOST_DEVICE constexpr float to_float(float value) {
  return value;
}

EIGHTFOLD_HOST_DEVICE constexpr float to_float(BFloat16 value) {
  return bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16);
}

// The fields of fp16 moved to their places in fp32 read as a number 2^112 times too small, subnormal or not.
// Only infinity and NaN need their exponent set.
EIGHTFOLD_HOST_DEVICE constexpr float to_float(Float16 value) {
  const std::uint32_t sign = static_cast<std::uint32_t>(value.bits & 0x8000U) << 16;
  const std::uint32_t moved = static_cast<std::uint32_t>(value.bits & 0x7FFFU) << 13;
  const std::uint32_t finite = bit_cast<std::uint32_t>(bit_cast<float>(moved) * 0x1p112F);
  const std::uint32_t magnitude = moved >= 0x0F800000U ? moved | 0x7F800000U : finite;
  return bit_cast<float>(sign | magnitude);
}

template <class To>
EIGHTFOLD_HOST_DEVICE constexpr To from_float(float value);

template <>
EIGHTFOLD_HOST_DEVICE constexpr float from_float<float>(float value) {
  return value;
}

template <>
EIGHTFOLD_HOST_DEVICE constexpr BFloat16 from_float<BFloat16>(float value) {
  const std::uint32_t bits = bit_cast<std::uint32_t>(value);
  const std::uint32_t quiet_nan = (bits >> 16) | 0x40U;
  const std::uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
  return {static_cast<std::uint16_t>((bits & 0x7FFFFFFFU) > 0x7F800000U ? quiet_nan : rounded)};
}

// Below 2^-14 a subnormal: adding 1/2 makes the unit of fp32 equal to that of fp16 subnormals and lets the
// addition round. Above, the exponent is moved by 112 and 13 bits are rounded away; the carry may run into
// infinity.
template <>
EIGHTFOLD_HOST_DEVICE constexpr Float16 from_float<Float16>(float value) {
  const std::uint32_t bits = bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  const std::uint32_t subnormal =
      bit_cast<std::uint32_t>(bit_cast<float>(magnitude) + 0.5F) - bit_cast<std::uint32_t>(0.5F);
  const std::uint32_t normal = (magnitude - (112U << 23) + 0xFFFU + ((magnitude >> 13) & 1U)) >> 13;
  const std::uint32_t nan = 0x7E00U | ((magnitude >> 13) & 0x3FFU);
  std::uint32_t result = magnitude < (113U << 23) ? subnormal : normal;
  result = magnitude >= (143U << 23) ? 0x7C00U : result;
  result = magnitude > 0x7F800000U ? nan : result;
  return {static_cast<std::uint16_t>(sign | result)};
}

// One element of kernels/cast.hpp.
template <class From, class To>
struct Cast {
  const From* x;
  To* y;
  EIGHTFOLD_HOST_DEVICE void operator()(std::int64_t i) const { y[i] = from_float<To>(to_float(x[i])); }
  template <class Visit>
  EIGHTFOLD_HOST_DEVICE void each_operand(Visit& visit) {
    visit(x);
    visit(y);
  }
};

// Calls run() with a null pointer to the floating type that `dtype` names.
template <class Run>
void with_float_type(DType dtype, const Run& run) {
  switch (dtype) {
    case DType::f32:
      return run(static_cast<float*>(nullptr));
    case DType::bf16:
      return run(static_cast<BFloat16*>(nullptr));
    case DType::f16:
      return run(static_cast<Float16*>(nullptr));
    default:
      base::raise<base::InternalError>("cast: {} is not one of F32, BF16, F16", to_string(dtype));
  }
}

// Calls run() with the functor between the types of two tensors.
template <class Run>
void with_cast(ConstTensor from, Tensor to, const Run& run) {
  with_float_type(from.dtype(), [&]<class From>(From*) {
    with_float_type(to.dtype(), [&]<class To>(To*) { run(Cast<From, To>{from.as<From>(), to.as<To>()}); });
  });
}

}  // namespace eightfold::kernels
