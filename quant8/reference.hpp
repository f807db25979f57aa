#pragma once

// The oracle: a codec of the host, for all formats, that does what quant8/format.hpp says one element at a
// time and nothing else. Slow; every other codec writes its bytes.

#include "quant8/codec.hpp"

#include <memory>

namespace eightfold::quant8 {

std::unique_ptr<Codec> make_reference_codec(const Encoding& encoding, Rounding rounding = Rounding::nearest);

}  // namespace eightfold::quant8
