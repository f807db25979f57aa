#pragma once

// One layer of a planned model: shapes, workspace and parameters are fixed when it is made; a pass only
// enqueues.

#include "kernels/activation.hpp"
#include "kernels/initialize.hpp"
#include "kernels/random.hpp"
#include "kernels/stream.hpp"
#include "kernels/tensor.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace eightfold::runtime::model::layers {

enum class Phase { training, evaluation };

// The facts that distinguish one pass from another. Rows are samples; a pass is planned for a fixed number of
// them.
struct PassContext {
  Phase phase = Phase::training;
  std::uint64_t seed = 0;
  std::int64_t step = 0;
  std::int64_t first = 0;  // place of row 0 in the global batch: random masks belong to samples, not to ranks
  std::int64_t samples = 0;  // rows from here on hold no sample
  kernels::GradientMode gradients = kernels::GradientMode::overwrite;
};

struct ParameterSpec {
  std::string name;  // "weight", "bias"
  kernels::Shape shape;
  kernels::Initializer initializer = kernels::Initializer::zeros;
  kernels::Fan fan;
  float standard_deviation = 0;  // Initializer::normal
  float constant = 0;            // added to every element: initial biases
};

// x is the layer's input, y its output; dy and dx the gradients of the loss by them. Every tensor has the
// planned number of rows. dy is the layer's to overwrite.
class Layer {
 public:
  virtual ~Layer() = default;

  virtual kernels::Shape output_shape() const = 0;
  // True if y is x's own memory (and dx dy's). Then backward is called with y alone.
  virtual bool in_place() const { return false; }
  // Multiplications and additions of one forward pass over all rows, in products of matrices only.
  virtual double forward_flops() const { return 0; }

  virtual std::vector<ParameterSpec> parameters() const { return {}; }
  // The places of the parameters and their gradients, in the order of parameters(). Called once, before any
  // pass.
  virtual void bind(const std::vector<kernels::ConstTensor>& /*values*/,
                    const std::vector<kernels::Tensor>& /*gradients*/) {}
  // The parameters have changed.
  virtual void begin_step(kernels::StreamView /*stream*/) {}

  virtual void forward(kernels::StreamView stream, const PassContext& pass, kernels::ConstTensor x,
                       kernels::Tensor y) = 0;
  // First this, for the gradients of the parameters, then backward_data if anything below needs dx.
  virtual void backward_parameters(kernels::StreamView /*stream*/, const PassContext& /*pass*/,
                                   kernels::ConstTensor /*x*/, kernels::ConstTensor /*y*/,
                                   kernels::Tensor /*dy*/) {}
  virtual void backward_data(kernels::StreamView stream, const PassContext& pass, kernels::ConstTensor x,
                             kernels::ConstTensor y, kernels::Tensor dy, kernels::Tensor dx) = 0;
};

}  // namespace eightfold::runtime::model::layers
