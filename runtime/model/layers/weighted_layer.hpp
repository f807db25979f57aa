#pragma once

// The common part of layers with a weight and a bias: keys of their initial values, and places of the
// parameters and gradients.

#include "runtime/config/key.hpp"
#include "runtime/model/layers/layer.hpp"

#include <cstdint>
#include <vector>

namespace eightfold::runtime::model::layers {

enum class Init { he, glorot, normal, zeros };

struct WeightOptions {
  std::int64_t out = 0;  // units, or channels
  Init init = Init::he;
  double init_stddev = 0.01;  // of Init::normal
  double init_bias = 0;
};

class WeightedLayer : public Layer {
 public:
  std::vector<ParameterSpec> parameters() const final { return {weight_spec_, bias_spec_}; }
  void bind(const std::vector<kernels::ConstTensor>& values,
            const std::vector<kernels::Tensor>& gradients) final;

 protected:
  WeightedLayer(const WeightOptions& options, const kernels::Shape& weight, kernels::Fan fan);

  kernels::ConstTensor weight_, bias_;
  kernels::Tensor dweight_, dbias_;

 private:
  ParameterSpec weight_spec_, bias_spec_;
};

// The keys of WeightOptions; `outputs` says what `out` counts.
std::vector<config::Key<WeightOptions>> weight_keys(const char* outputs);

}  // namespace eightfold::runtime::model::layers
