#pragma once

// A layer that is a function of each value by itself, in place: its gradient follows from the result.

#include "kernels/elementwise.hpp"
#include "runtime/model/layers/layer.hpp"

namespace eightfold::runtime::model::layers {

class PointwiseLayer final : public Layer {
 public:
  PointwiseLayer(kernels::Pointwise function, const kernels::Shape& shape)
      : function_(function), shape_(shape) {}

  kernels::Shape output_shape() const override { return shape_; }
  bool in_place() const override { return true; }
  void forward(kernels::StreamView stream, const PassContext&, kernels::ConstTensor x,
               kernels::Tensor y) override {
    kernels::pointwise_forward(stream, function_, x, y);
  }
  void backward_data(kernels::StreamView stream, const PassContext&, kernels::ConstTensor,
                     kernels::ConstTensor y, kernels::Tensor dy, kernels::Tensor dx) override {
    kernels::pointwise_backward(stream, function_, y, dy, dx);
  }

 private:
  kernels::Pointwise function_;
  kernels::Shape shape_;
};

}  // namespace eightfold::runtime::model::layers
