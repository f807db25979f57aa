#pragma once

// Small networks and passes through them, for the tests of the model.

#include "kernels/buffer.hpp"
#include "kernels/host_threads.hpp"
#include "kernels/random.hpp"
#include "runtime/model/model.hpp"

#include <functional>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace eightfold::runtime::model {

using Values = std::map<std::string, config::Value, std::less<>>;

inline config::Layer layer(const std::string& kind, Values values = {}) {
  return {{kind, std::move(values)}, {}};
}
inline config::Layer linear(std::int64_t out) {
  return layer("linear", {{"out", out}});
}
inline config::Layer conv2d(std::int64_t out, std::int64_t kernel, std::int64_t padding = 0,
                            std::int64_t stride = 1, std::int64_t groups = 1) {
  return layer(
      "conv2d",
      {{"out", out}, {"kernel", kernel}, {"padding", padding}, {"stride", stride}, {"groups", groups}});
}
inline config::Layer pool(const std::string& kind, std::int64_t kernel, std::int64_t stride = 0,
                          std::int64_t padding = 0) {
  return layer(kind, {{"kernel", kernel}, {"stride", stride}, {"padding", padding}});
}
inline config::Layer max_pool(std::int64_t kernel, std::int64_t stride = 0, std::int64_t padding = 0) {
  return pool("max_pool", kernel, stride, padding);
}
inline config::Layer average_pool(std::int64_t kernel) {
  return pool("average_pool", kernel);
}
inline config::Layer relu() {
  return layer("relu");
}
inline config::Layer dropout(double rate) {
  return layer("dropout", {{"rate", rate}});
}
inline config::Layer lrn() {
  return layer("lrn");
}

// Layers that know where a job file would have them: "job.toml:1:1", "job.toml:2:1" ...
inline config::Model network(std::vector<config::Layer> layers) {
  for (std::size_t i = 0; i < layers.size(); ++i)
    layers[i].place.text = "job.toml:" + std::to_string(i + 1) + ":1";
  return {std::move(layers)};
}

inline std::vector<float> random_floats(std::size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(engine()) / 4294967296.0F - 0.5F;
  return values;
}

// A model on the host with everything a pass needs.
class Net {
 public:
  Net(std::vector<config::Layer> layers, const kernels::Shape& sample, int classes, std::int64_t rows)
      : model_(network(std::move(layers)), kernels::Device{}, sample, classes, rows),
        stream_(kernels::Device{}),
        classes_(classes),
        labels_(static_cast<std::size_t>(rows)) {
    for (std::size_t i = 0; i < labels_.size(); ++i)
      labels_[i] = static_cast<std::int32_t>((3 * i + 1) % classes);
    model_.initialize(7, stream_);
    // Biases start as zeros, where their effect and its mistakes would not show.
    const std::vector<float> noise = random_floats(weights().size(), 5);
    for (const Parameter& parameter : model_.parameters())
      if (parameter.spec.shape.rank() == 1)
        for (std::int64_t i = parameter.span.begin; i < parameter.span.end; ++i)
          weights()[static_cast<std::size_t>(i)] = 0.3F * noise[static_cast<std::size_t>(i)];
  }

  struct Result {
    double loss = 0;
    double correct = 0;
    std::vector<float> gradients;
    std::vector<std::int64_t> ready;
  };

  // Rows [first, first + samples) of a batch whose inputs follow from the row's number, at the front of a
  // pass.
  void load(std::int64_t first, std::int64_t samples) {
    const auto per_row = static_cast<std::size_t>(model_.input().elements() / model_.rows());
    for (std::int64_t row = 0; row < samples; ++row) {
      const std::vector<float> values = random_floats(per_row, static_cast<unsigned>(100 + first + row));
      std::copy(values.begin(), values.end(),
                model_.input().span<float>().begin() +
                    static_cast<std::ptrdiff_t>(row) * static_cast<std::ptrdiff_t>(per_row));
      labels_[static_cast<std::size_t>(row)] = static_cast<std::int32_t>((3 * (first + row) + 1) % classes_);
    }
  }

  Result train(const layers::PassContext& pass, float weight) {
    Result result;
    double totals[2] = {0, 0};
    model_.begin_step(stream_);
    model_.train(stream_, pass, labels(), weight,
                 kernels::host_tensor(std::span<double>(totals), kernels::Shape{2}),
                 [&](std::int64_t end) { result.ready.push_back(end); });
    const auto gradients = model_.gradients().span<float>();
    result.gradients.assign(gradients.begin(), gradients.end());
    result.loss = totals[0];
    result.correct = totals[1];
    return result;
  }
  // A whole pass of rows 0, 1, ...
  Result train(float weight = 1.0F) {
    load(0, model_.rows());
    return train(layers::PassContext{.seed = 3, .step = 2, .samples = model_.rows()}, weight);
  }
  Result evaluate(std::int64_t samples) {
    double totals[2] = {0, 0};
    model_.begin_step(stream_);
    model_.evaluate(stream_, layers::PassContext{.phase = layers::Phase::evaluation, .samples = samples},
                    labels(), kernels::host_tensor(std::span<double>(totals), kernels::Shape{2}));
    return {totals[0], totals[1], {}, {}};
  }

  Model& model() noexcept { return model_; }
  std::span<float> weights() const { return model_.weights().span<float>(); }

 private:
  // Before the model, whose plan divides its sums by the threads: these nets are too small to share.
  struct OneThread {
    OneThread() { kernels::set_host_threads(1); }
  };

  kernels::ConstTensor labels() const {
    return kernels::host_tensor(std::span<const std::int32_t>(labels_), kernels::Shape{model_.rows()});
  }

  OneThread one_thread_;
  Model model_;
  kernels::Stream stream_;
  std::int64_t classes_;
  std::vector<std::int32_t> labels_;
};

}  // namespace eightfold::runtime::model
