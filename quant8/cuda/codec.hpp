#pragma once

// The codecs of a GPU: kernels that write the bytes of quant8/format.hpp. Each call passes over the data
// once, or twice if all elements share a scale. A call takes no memory but the segment and the values; tables
// are made with the codec.
//
// They write no hash: XXH3 goes through a segment in order, 1 KiB after the other, which a GPU would do in
// one thread. A hash is written where the segment lies in host memory (write_hash() of quant8/segment.hpp).

#include "quant8/codec.hpp"

#include <memory>

namespace eightfold::quant8::cuda {

// Throws ConfigError for an encoding with a hash.
std::unique_ptr<Codec> make_codec(kernels::Device device, const Encoding& encoding, Rounding rounding);

}  // namespace eightfold::quant8::cuda
