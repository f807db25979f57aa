#pragma once

// Internal to runtime/model: the builders behind make_layer and the checks they share.

#include "runtime/model/layer.hpp"

#include <string_view>

namespace eightfold::runtime::model {

// parametric_layers.cpp
std::unique_ptr<Layer> make_linear(const LayerSite& site);
std::unique_ptr<Layer> make_convolution(const LayerSite& site);
// plain_layers.cpp
std::unique_ptr<Layer> make_pooling(const LayerSite& site);
std::unique_ptr<Layer> make_relu(const LayerSite& site);
std::unique_ptr<Layer> make_dropout(const LayerSite& site);
std::unique_ptr<Layer> make_local_response(const LayerSite& site);

// Throws ConfigError unless the input is [rows, height, width, channels].
void require_image(const LayerSite& site, std::string_view kind);
// Throws ConfigError unless the window of `kernel` fits the padded image at least once.
void require_window(const LayerSite& site, std::string_view kind);

// Throws ConfigError when a tensor of this many elements (a product computed in double) is beyond any
// machine: 2^40.
void require_size(const LayerSite& site, std::string_view kind, double elements);

}  // namespace eightfold::runtime::model
