#include "runtime/model/model.hpp"

#include "kernels/elementwise.hpp"
#include "kernels/loss.hpp"
#include "kernels/random_ranges.hpp"
#include "runtime/model/layers/registry.hpp"
#include "runtime/telemetry/spans.hpp"

#include <algorithm>
#include <utility>

namespace eightfold::runtime::model {
namespace {

template <class Work>
void timed(kernels::Timeline* timeline, std::string_view span, std::uint32_t layer, const Work& work) {
  if (timeline == nullptr)
    work();
  else
    timeline->span(span, layer, work);
}

using kernels::Shape;
using kernels::StreamView;
using kernels::Tensor;

constexpr std::uint32_t kInitialValues = kernels::RandomRange::kInitialValues;

// A layer of the plan: its config, its kind, its index there, and the activation that is fused into it.
struct PlannedLayer {
  const config::Layer* config;
  const layers::LayerKind* kind;
  std::uint32_t index;
  kernels::Activation activation = kernels::Activation::identity;

  bool is_activation() const { return kind->traits.is != kernels::Activation::identity; }
};

// Both changes save passes over memory and keep the bits. ReLU moves behind max pooling, where there are
// fewer values. Swaps come first: otherwise the layer before would take the ReLU, and apply it to all of its
// values. Indices stay those of the job, which name parameters and random numbers
// (docs/decisions/0004-plan-rewrites.md).
std::vector<PlannedLayer> rewrite(const std::vector<config::Layer>& all) {
  std::vector<PlannedLayer> plan;
  for (std::size_t i = 0; i < all.size(); ++i)
    plan.push_back({&all[i], &layers::find_layer_kind(all[i].kind), static_cast<std::uint32_t>(i)});
  for (std::size_t i = 0; i + 1 < plan.size(); ++i)
    if (plan[i].is_activation() && plan[i + 1].kind->traits.keeps_order) std::swap(plan[i], plan[i + 1]);
  for (std::size_t i = 0; i + 1 < plan.size(); ++i) {
    if (!plan[i + 1].is_activation() || !plan[i].kind->traits.applies_activation) continue;
    plan[i].activation = plan[i + 1].kind->traits.is;
    plan.erase(plan.begin() + static_cast<std::ptrdiff_t>(i) + 1);
  }
  return plan;
}

}  // namespace

std::vector<ArenaSpan> cut_buckets(std::int64_t elements, std::uint64_t bucket_bytes) {
  const auto wanted =
      static_cast<std::int64_t>(std::min<std::uint64_t>(bucket_bytes / sizeof(float), 1ULL << 40));
  const std::int64_t bucket = std::max(quant8::kBlock, quant8::whole_blocks(wanted));
  std::vector<ArenaSpan> buckets;
  for (std::int64_t begin = 0; begin < elements; begin += bucket)
    buckets.push_back({begin, std::min(elements, begin + bucket)});
  return buckets;
}

Model::Model(const config::Model& config, kernels::Device device, const Shape& sample, int classes,
             std::int64_t rows)
    : input_shape_{rows, sample[0], sample[1], sample[2]} {
  plan_stages(config, device);
  const Shape logits = stages_.back().layer->output_shape();
  if (std::none_of(stages_.begin(), stages_.end(), [](const Stage& stage) { return stage.has_parameters; }))
    base::raise<base::ConfigError>(
        "{}: the network has no layer that can learn; it needs a linear or a conv2d",
        config.layers.front().place.text);
  if (const std::int64_t outputs = logits.elements() / rows; classes != 0 && outputs != classes)
    base::raise<base::ConfigError>(
        "{}: the network ends in {} values per sample, but the data has {} classes",
        config.layers[indices_.back()].place.text, outputs, classes);
  plan_activations(device);
  plan_parameters(config, device);
}

void Model::plan_stages(const config::Model& config, kernels::Device device) {
  Shape shape = input_shape_;
  for (const PlannedLayer& planned : rewrite(config.layers)) {
    Stage stage;
    stage.layer = planned.kind->make(
        *planned.config, {planned.config->place, device, shape, planned.index, planned.activation});
    stage.has_parameters = !stage.layer->parameters().empty();
    shape = stage.layer->output_shape();
    indices_.push_back(planned.index);
    stages_.push_back(std::move(stage));
  }
}

// Every activation is kept for the backward pass. Gradients of activations are not: a layer reads dy and
// writes dx, so two buffers that take turns are enough. An in-place layer uses one of them for both. Below
// the first layer with parameters nobody needs a gradient, and dy is absent.
void Model::plan_activations(kernels::Device device) {
  const auto count = [](const Shape& shape) { return static_cast<std::size_t>(shape.elements()); };
  std::size_t largest = 0;
  for (const Stage& stage : stages_) largest = std::max(largest, count(stage.layer->output_shape()));
  for (auto& buffer : activation_gradients_) buffer = kernels::Buffer<float>(device, largest);
  input_ = kernels::Buffer<float>(device, count(input_shape_));

  Tensor x = input_.tensor(input_shape_);
  Tensor dx;  // nobody needs the gradient of the input
  std::size_t turn = 0;
  bool learns_below = false;
  for (Stage& stage : stages_) {
    const Shape shape = stage.layer->output_shape();
    learns_below = learns_below || stage.has_parameters;
    stage.x = x;
    stage.dx = dx;
    if (stage.layer->in_place()) {
      stage.y = x.reshaped(shape);
      stage.dy = dx.is_absent() ? dx : dx.reshaped(shape);
    } else {
      stage.y = activations_.emplace_back(device, count(shape)).tensor(shape);
      stage.dy = learns_below ? activation_gradients_[turn ^= 1].tensor(shape) : Tensor();
    }
    x = stage.y;
    dx = stage.dy;
  }
}

void Model::plan_parameters(const config::Model& config, kernels::Device device) {
  ArenaLayout layout;
  for (std::size_t i = stages_.size(); i-- > 0;) {  // the last layer's gradients are complete first
    const std::string& kind = config.layers[indices_[i]].kind;
    for (const layers::ParameterSpec& spec : stages_[i].layer->parameters()) {
      const std::int64_t begin = layout.append(spec.shape);
      parameters_.push_back({fmt::format("layer{}.{}.{}", indices_[i], kind, spec.name),
                             {begin, begin + spec.shape.elements()},
                             spec});
    }
    // Everything up to here is complete once this layer's backward pass is over.
    stages_[i].ready = layout.elements();
  }
  weights_ = kernels::Buffer<float>(device, static_cast<std::size_t>(layout.elements()));
  gradients_ = kernels::Buffer<float>(device, static_cast<std::size_t>(layout.elements()));

  auto parameter = parameters_.begin();
  for (std::size_t i = stages_.size(); i-- > 0;) {
    std::vector<kernels::ConstTensor> values;
    std::vector<Tensor> gradients;
    for (std::size_t count = stages_[i].layer->parameters().size(); count > 0; --count, ++parameter) {
      const auto first = static_cast<std::size_t>(parameter->span.begin);
      values.push_back(weights_.tensor(parameter->spec.shape, first));
      gradients.push_back(gradients_.tensor(parameter->spec.shape, first));
    }
    stages_[i].layer->bind(values, gradients);
  }
}

double Model::training_flops() const {
  double flops = 0;  // forward, parameters' gradient, and the data's unless nothing below needs it
  for (const Stage& stage : stages_) flops += stage.layer->forward_flops() * (stage.dx.is_absent() ? 2 : 3);
  return flops;
}

void Model::initialize(std::uint64_t seed, StreamView stream) {
  // Drawn on the host, so that the first weights do not depend on the device.
  std::vector<float> values(weights_.size());
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const layers::ParameterSpec& spec = parameters_[i].spec;
    const std::span<float> tensor(values.data() + parameters_[i].span.begin,
                                  static_cast<std::size_t>(spec.shape.elements()));
    kernels::initialize(spec.initializer, spec.fan, spec.standard_deviation,
                        {seed, 0, kInitialValues + static_cast<std::uint32_t>(i)}, tensor);
    for (float& value : tensor) value += spec.constant;
  }
  kernels::copy(stream, kernels::host_tensor(std::span<const float>(values), weights().shape()), weights());
  stream.synchronize();
}

// The norm of the gradients and the hash of the weights read whole arenas, padding included.
void Model::clear_padding(StreamView stream) {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const std::int64_t begin = parameters_[i].span.end;
    const std::int64_t end =
        i + 1 < parameters_.size() ? parameters_[i + 1].span.begin : gradients().elements();
    if (begin < end) kernels::fill(stream, 0, gradients().rows(begin, end - begin));
  }
}

void Model::begin_step(StreamView stream) {
  for (Stage& stage : stages_) stage.layer->begin_step(stream);
}

void Model::forward(StreamView stream, const layers::PassContext& pass, kernels::Timeline* timeline) {
  for (std::size_t i = 0; i < stages_.size(); ++i)
    timed(timeline, telemetry::kForwardSpan, indices_[i],
          [&] { stages_[i].layer->forward(stream, pass, stages_[i].x, stages_[i].y); });
}

void Model::backward(StreamView stream, const layers::PassContext& pass, Stage& stage,
                     const GradientsReady& ready) {
  if (stage.has_parameters) {
    stage.layer->backward_parameters(stream, pass, stage.x, stage.y, stage.dy);
    ready(stage.ready);
  }
  if (!stage.dx.is_absent()) stage.layer->backward_data(stream, pass, stage.x, stage.y, stage.dy, stage.dx);
}

Tensor Model::logits() const {
  const Tensor& y = stages_.back().y;
  return y.reshaped({rows(), outputs()});
}

void Model::train(StreamView stream, const layers::PassContext& pass, kernels::ConstTensor labels,
                  float weight, Tensor totals, const GradientsReady& ready, kernels::Timeline* timeline) {
  forward(stream, pass, timeline);
  const Tensor logits = this->logits(), dlogits = stages_.back().dy.reshaped(logits.shape());
  kernels::softmax_cross_entropy(stream, logits, labels, pass.samples, weight, totals, dlogits);
  for (std::size_t i = stages_.size(); i-- > 0;) {
    if (stages_[i].dy.is_absent()) break;  // below the first parameters
    timed(timeline, telemetry::kBackwardSpan, indices_[i],
          [&] { backward(stream, pass, stages_[i], ready); });
  }
}

void Model::evaluate(StreamView stream, const layers::PassContext& pass, kernels::ConstTensor labels,
                     Tensor totals) {
  forward(stream, pass, nullptr);
  kernels::softmax_cross_entropy(stream, logits(), labels, pass.samples, 1.0F, totals, Tensor());
}

}  // namespace eightfold::runtime::model
