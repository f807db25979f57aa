#pragma once

// A network built from the job's layer list, with every shape and buffer fixed. Parameters and gradients are
// in arenas; activations are for one pass of `rows` samples. A pass enqueues work and allocates nothing.
//
// The plan is not always the list, layer by layer, but computes the same function, bit for bit:
//   - relu right behind linear or conv2d is applied as their result is stored;
//   - relu before max_pool changes places with it, on fewer elements. The maximum of rectified values is the
//     rectified maximum, and the same element receives the gradient.

#include "kernels/buffer.hpp"
#include "kernels/timeline.hpp"
#include "runtime/config/job.hpp"
#include "runtime/model/arena.hpp"
#include "runtime/model/layers/layer.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace eightfold::runtime::model {

// A parameter tensor and its place in the arenas.
struct Parameter {
  std::string name;  // "layer0.conv2d.weight": the index counts the job's layers from 0
  ArenaSpan span;    // without the padding
  layers::ParameterSpec spec;
};

class Model {
 public:
  // Reports that the gradients of the arena's first `end` elements are complete. Called on the worker's
  // thread, after the work that completes them is enqueued.
  using GradientsReady = std::function<void(std::int64_t end)>;

  // A network for passes of `rows` samples of shape `sample` [height, width, channels]; the last layer must
  // have `classes` outputs, 0: any number. Throws ConfigError, with the layer's place, where the list does
  // not fit together.
  Model(const config::Model& config, kernels::Device device, const kernels::Shape& sample, int classes,
        std::int64_t rows);

  const std::vector<Parameter>& parameters() const noexcept { return parameters_; }
  // The arenas, padding included (which stays zero).
  kernels::Tensor weights() const { return weights_.tensor(); }
  kernels::Tensor gradients() const { return gradients_.tensor(); }
  // The input of a pass, fp32 [rows, height, width, channels]; a pass overwrites it.
  kernels::Tensor input() const { return input_.tensor(input_shape_); }
  std::int64_t rows() const noexcept { return input_shape_[0]; }
  // Outputs per sample: the number of classes.
  std::int64_t outputs() const { return stages_.back().y.elements() / rows(); }
  // Products of matrices in one training pass, forward and backward.
  double training_flops() const;

  // Fills the weights from the seed: the same on every device.
  void initialize(std::uint64_t seed, kernels::StreamView stream);
  // Zeros what lies between the tensors of the gradients.
  void clear_padding(kernels::StreamView stream);
  // Before the first pass after the weights changed.
  void begin_step(kernels::StreamView stream);
  // Forward, loss and backward over what input() holds. labels [rows] i32. The gradient of `weight` times the
  // sum of the losses goes to gradients() as pass.gradients says. The losses and hits are added to totals [2]
  // f64. With a timeline of the stream every layer's part is a span of it (runtime/telemetry/spans.hpp).
  void train(kernels::StreamView stream, const layers::PassContext& pass, kernels::ConstTensor labels,
             float weight, kernels::Tensor totals, const GradientsReady& ready,
             kernels::Timeline* timeline = nullptr);
  // Forward and loss only.
  void evaluate(kernels::StreamView stream, const layers::PassContext& pass, kernels::ConstTensor labels,
                kernels::Tensor totals);

 private:
  struct Stage {
    std::unique_ptr<layers::Layer> layer;
    kernels::Tensor x, y;    // activations; y is x where the layer works in place
    kernels::Tensor dx, dy;  // their gradients; dx absent where nothing below learns
    std::int64_t ready = 0;  // arena elements complete once this stage's parameters have their gradients
    bool has_parameters = false;
  };

  void plan_stages(const config::Model& config, kernels::Device device);
  void plan_activations(kernels::Device device);
  void plan_parameters(const config::Model& config, kernels::Device device);
  void forward(kernels::StreamView stream, const layers::PassContext& pass, kernels::Timeline* timeline);
  void backward(kernels::StreamView stream, const layers::PassContext& pass, Stage& stage,
                const GradientsReady& ready);
  kernels::Tensor logits() const;  // [rows, classes]

  kernels::Shape input_shape_;
  std::vector<Stage> stages_;
  std::vector<std::uint32_t> indices_;  // of each stage's layer in the job's list
  std::vector<Parameter> parameters_;
  kernels::Buffer<float> weights_, gradients_;
  kernels::Buffer<float> input_;
  std::vector<kernels::Buffer<float>> activations_;
  kernels::Buffer<float> activation_gradients_[2];  // dy of a stage and of the one below take turns
};

}  // namespace eightfold::runtime::model
