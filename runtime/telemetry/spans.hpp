#pragma once

// The names of the spans that a rank reports while it trains (kernels/base/observer.hpp). Writers and readers
// of spans share these names.

#include <string_view>

namespace eightfold::runtime::telemetry {

// Spans of the worker's stream (kernels/timeline.hpp). A step is computing, but for its two kinds of waiting.
inline constexpr std::string_view kStepSpan = "step";
inline constexpr std::string_view kDataWaitSpan = "wait for data";  // the device had nothing to do for it
inline constexpr std::string_view kExposedSpan =
    "wait for exchange";                                   // the backward pass is over, the exchange not
inline constexpr std::string_view kSubmitSpan = "submit";  // a bucket is complete; index: the bucket
inline constexpr std::string_view kUpdateSpan = "update";  // of the weights
// Of a worker that times its layers, within the step; index: the layer's place in the job's list.
inline constexpr std::string_view kForwardSpan = "forward";
inline constexpr std::string_view kBackwardSpan = "backward";
// The spans of the loader's thread.
inline constexpr std::string_view kLoadSpan = "load";

}  // namespace eightfold::runtime::telemetry
