#pragma once

// Passes over memory that do nothing else: what codecs are measured against. An encoding cannot be faster
// than reading its values, a decoding not faster than writing them.
//
// Calls enqueue on the stream; all memory is of the stream's device. Throw EnvironmentError for a device that
// has no codecs.

#include "kernels/stream.hpp"

#include <cstdint>
#include <span>

namespace eightfold::quant8 {

// Reads all values; *result becomes the bits of their largest magnitude.
void read_largest(kernels::StreamView stream, std::span<const float> values, std::uint32_t* result);

// Writes all values, past the caches where the device has stores that can. Aligned to 64 bytes.
void fill(kernels::StreamView stream, std::span<float> values, float value);

}  // namespace eightfold::quant8
