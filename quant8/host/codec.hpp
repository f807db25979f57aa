#pragma once

// The codecs of the host. The loops over elements exist three times for every format: plain C++, AVX2 and
// AVX-512. Which one runs never shows in a bit.

#include "quant8/codec.hpp"

#include <memory>
#include <span>
#include <string_view>

namespace eightfold::quant8::host {

enum class Instructions { portable, avx2, avx512 };

std::string_view to_string(Instructions instructions);
// The implementations that this machine can run, the fastest last; the first is always portable.
std::span<const Instructions> available_instructions();
inline Instructions best_instructions() {
  return available_instructions().back();
}

// Requires available instructions.
std::unique_ptr<Codec> make_codec(const Encoding& encoding, Rounding rounding, Instructions instructions);

}  // namespace eightfold::quant8::host
