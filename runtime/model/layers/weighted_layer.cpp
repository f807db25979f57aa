#include "runtime/model/layers/weighted_layer.hpp"

#include "runtime/config/field.hpp"
#include "runtime/config/ranges.hpp"

#include <array>
#include <string_view>

namespace eightfold::runtime::config {

template <>
inline constexpr std::array<std::string_view, 4> kNames<model::layers::Init> = {"he", "glorot", "normal",
                                                                                "zeros"};

}  // namespace eightfold::runtime::config

namespace eightfold::runtime::model::layers {
namespace {

kernels::Initializer initializer_of(Init init) {
  switch (init) {
    case Init::he:
      return kernels::Initializer::he;
    case Init::glorot:
      return kernels::Initializer::glorot;
    case Init::normal:
      return kernels::Initializer::normal;
    case Init::zeros:
      return kernels::Initializer::zeros;
  }
  return kernels::Initializer::zeros;
}

}  // namespace

WeightedLayer::WeightedLayer(const WeightOptions& options, const kernels::Shape& weight, kernels::Fan fan)
    : weight_spec_{"weight",
                   weight,
                   initializer_of(options.init),
                   fan,
                   static_cast<float>(options.init_stddev),
                   0},
      bias_spec_{"bias", kernels::Shape{options.out},          kernels::Initializer::zeros, fan,
                 0,      static_cast<float>(options.init_bias)} {}

void WeightedLayer::bind(const std::vector<kernels::ConstTensor>& values,
                         const std::vector<kernels::Tensor>& gradients) {
  weight_ = values.at(0);
  bias_ = values.at(1);
  dweight_ = gradients.at(0);
  dbias_ = gradients.at(1);
}

std::vector<config::Key<WeightOptions>> weight_keys(const char* outputs) {
  return {config::field("out", &WeightOptions::out,
                        {.help = outputs, .range = config::at_least(1), .required = true}),
          config::field(
              "init", &WeightOptions::init,
              {.help = "First weights. \"he\": normal, variance 2 / inputs (He et al. 2015). \"glorot\": "
                       "uniform, variance 2 / (inputs + outputs) (Glorot and Bengio 2010). \"normal\": with "
                       "init_stddev."}),
          config::field("init_stddev", &WeightOptions::init_stddev,
                        {.help = "Standard deviation of the first weights.",
                         .range = config::positive(),
                         .only_with = {{"init", {"normal"}}}}),
          config::field("init_bias", &WeightOptions::init_bias,
                        {.help = "First value of every bias.", .range = config::between(-1e6, 1e6)})};
}

}  // namespace eightfold::runtime::model::layers
