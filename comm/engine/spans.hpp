#pragma once

// The names of the spans that an exchange reports on Track::engine (kernels/base/observer.hpp); index: the
// bucket.

#include <string_view>

namespace eightfold::comm::engine {

// A bucket from the engine's start on it to its sum. Several buckets are under way at once: these overlap.
inline constexpr std::string_view kExchangeSpan = "exchange";
// The codec's work on a segment; no two of these overlap.
inline constexpr std::string_view kEncodeSpan = "encode";
inline constexpr std::string_view kDecodeSpan = "decode";

}  // namespace eightfold::comm::engine
