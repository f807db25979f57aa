#pragma once

// Element types of tensors.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace eightfold::kernels {

enum class DType { f32, f64, bf16, f16, u8, i32 };

// 16-bit floating point as it is stored; arithmetic happens in fp32 (kernels/cast.hpp).
struct BFloat16 {
  std::uint16_t bits;
};
struct Float16 {
  std::uint16_t bits;
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
inline constexpr DType kDTypeOf = [] {
  if constexpr (std::is_same_v<Value, float>) return DType::f32;
  if constexpr (std::is_same_v<Value, double>) return DType::f64;
  if constexpr (std::is_same_v<Value, BFloat16>) return DType::bf16;
  if constexpr (std::is_same_v<Value, Float16>) return DType::f16;
  if constexpr (std::is_same_v<Value, std::uint8_t>) return DType::u8;
  if constexpr (std::is_same_v<Value, std::int32_t>) return DType::i32;
}();

}  // namespace eightfold::kernels
