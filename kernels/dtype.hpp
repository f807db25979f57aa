#pragma once

// Element types of tensors.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace eightfold::kernels {

enum class DType { f32, f64, bf16, f16, u8, i32 };

// 16-bit floating point as it is stored; arithmetic happens in fp32 (kernels/cast.hpp).
struct BFloat16 {
  std::uint16_t bits;
  static constexpr DType kDType = DType::bf16;
};
struct Float16 {
  std::uint16_t bits;
  static constexpr DType kDType = DType::f16;
};

constexpr std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return 8;
    case DType::f32:
    case DType::i32:
      return 4;
    case DType::bf16:
    case DType::f16:
      return 2;
    case DType::u8:
      return 1;
  }
  return 0;
}

// The names of the safetensors format: "F32", "BF16" ...
std::string_view to_string(DType dtype);

// The dtype of a C++ type.
template <class Value>
inline constexpr DType kDTypeOf = Value::kDType;
template <>
inline constexpr DType kDTypeOf<float> = DType::f32;
template <>
inline constexpr DType kDTypeOf<double> = DType::f64;
template <>
inline constexpr DType kDTypeOf<std::uint8_t> = DType::u8;
template <>
inline constexpr DType kDTypeOf<std::int32_t> = DType::i32;

}  // namespace eightfold::kernels
