#pragma once

// What travels between ranks: the formats of encoded gradients and their sizes. Today gradients travel as
// they are computed, in fp32.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace eightfold::quant8 {

// Elements that share one scale. Parameters are laid out in whole blocks (runtime/arena.hpp), so that a block
// never spans two tensors and every bucket starts at one.
inline constexpr std::int64_t kBlock = 256;

enum class Format { fp32 };

// The name used in configs and reports.
std::string_view to_string(Format format);

// Bytes of `elements` encoded elements.
std::size_t wire_bytes(Format format, std::int64_t elements);

}  // namespace eightfold::quant8
