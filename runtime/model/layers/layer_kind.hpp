#pragma once

// A kind of layer: its description (runtime/config/kind.hpp), its builder, and what the planner may do with
// it.

#include "kernels/activation.hpp"
#include "runtime/config/job.hpp"
#include "runtime/config/kind.hpp"
#include "runtime/model/layers/layer.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

namespace eightfold::runtime::model::layers {

// The place of a layer in a network.
struct LayerSite {
  config::Place place;  // in the job, for messages
  kernels::Device device;
  kernels::Shape input;     // [rows, ...]
  std::uint32_t index = 0;  // in the job's list: names its parameters and keys its random numbers
  kernels::Activation activation = kernels::Activation::identity;  // to apply to its result, if it applies()
};

// The changes that the planner may make without changing a bit.
struct LayerTraits {
  // The layer is this activation and nothing else.
  kernels::Activation is = kernels::Activation::identity;
  // It can apply an activation as its result is stored.
  bool applies_activation = false;
  // A monotone activation may be applied behind it instead of before it.
  bool keeps_order = false;
};

struct LayerKind : config::KindFacts {
  // Throws ConfigError, with the place in the job, when the layer does not fit its input.
  std::function<std::unique_ptr<Layer>(const config::Choice&, const LayerSite&)> make;
  LayerTraits traits;
};

template <class Options>
LayerKind layer_kind(config::Kind<Options> kind,
                     std::unique_ptr<Layer> (*make)(const Options&, const LayerSite&),
                     const LayerTraits& traits = {}) {
  const auto shared = std::make_shared<const config::Kind<Options>>(std::move(kind));
  return {config::facts_of(shared),
          [shared, make](const config::Choice& choice, const LayerSite& site) {
            return make(shared->options(choice), site);
          },
          traits};
}

// Throws ConfigError unless the input is [rows, height, width, channels]. `kind` is the layer's, for
// messages.
void require_image(const LayerSite& site, std::string_view kind);
// Throws ConfigError unless the window of `kernel` fits the image, padded on all sides, at least once.
void require_window(const LayerSite& site, std::string_view kind, std::int64_t kernel, std::int64_t padding);
// Throws ConfigError when a tensor of this many elements (a product computed in double) is beyond any
// machine: 2^40.
void require_size(const LayerSite& site, std::string_view kind, double elements);

}  // namespace eightfold::runtime::model::layers
