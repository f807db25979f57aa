// Operations that a library carries on a GPU: here the host's, run by the stream in its turn. Part of
// eightfold::kernels in the place of kernels/cuda/linear.cu and kernels/cuda/convolution.cu.

#include "kernels/operations.hpp"
#include "tests/simt/stream.hpp"

namespace eightfold::kernels::cuda {
namespace {

// The same memory, as the host's operations name it.
template <class Void>
BasicTensor<Void> on_host(BasicTensor<Void> tensor) {
  return {tensor.data(), tensor.shape(), tensor.dtype(), Device{}};
}

const StreamView kInline{Device{}, nullptr};

// The plan is shared with what is enqueued: its owner may go before the stream has come that far.
template <class Plan, class... Parameters, class... Arguments>
void enqueue_on_host(StreamView stream, const std::shared_ptr<Plan>& plan,
                     void (Plan::*pass)(StreamView, Parameters...), Arguments... arguments) {
  simt::enqueue(
      static_cast<cudaStream_t>(stream.handle()),
      [=] { ((*plan).*pass)(kInline, static_cast<Parameters>(arguments)...); }, plan.get());
}

class InterpretedLinear final : public Linear {
 public:
  explicit InterpretedLinear(const LinearShape& shape) : plan_(host::plan_linear(Device{}, shape)) {}

  void forward(StreamView stream, ConstTensor x, ConstTensor weight, ConstTensor bias, Tensor y) override {
    enqueue_on_host(stream, plan_, &Linear::forward, on_host(x), on_host(weight), on_host(bias), on_host(y));
  }
  void backward_parameters(StreamView stream, ConstTensor x, ConstTensor y, Tensor dy, GradientMode mode,
                           Tensor dweight, Tensor dbias) override {
    enqueue_on_host(stream, plan_, &Linear::backward_parameters, on_host(x), on_host(y), on_host(dy), mode,
                    on_host(dweight), on_host(dbias));
  }
  void backward_data(StreamView stream, ConstTensor dy, ConstTensor weight, Tensor dx) override {
    enqueue_on_host(stream, plan_, &Linear::backward_data, on_host(dy), on_host(weight), on_host(dx));
  }

 private:
  std::shared_ptr<Linear> plan_;
};

class InterpretedConvolution final : public Convolution {
 public:
  explicit InterpretedConvolution(const ConvolutionShape& shape)
      : plan_(host::plan_convolution(Device{}, shape)) {}

  void begin_step(StreamView stream, ConstTensor weight) override {
    enqueue_on_host(stream, plan_, &Convolution::begin_step, on_host(weight));
  }
  void forward(StreamView stream, ConstTensor x, ConstTensor bias, Tensor y) override {
    enqueue_on_host(stream, plan_, &Convolution::forward, on_host(x), on_host(bias), on_host(y));
  }
  void backward_parameters(StreamView stream, ConstTensor x, ConstTensor y, Tensor dy, GradientMode mode,
                           Tensor dweight, Tensor dbias) override {
    enqueue_on_host(stream, plan_, &Convolution::backward_parameters, on_host(x), on_host(y), on_host(dy),
                    mode, on_host(dweight), on_host(dbias));
  }
  void backward_data(StreamView stream, ConstTensor dy, Tensor dx) override {
    enqueue_on_host(stream, plan_, &Convolution::backward_data, on_host(dy), on_host(dx));
  }

 private:
  std::shared_ptr<Convolution> plan_;
};

}  // namespace

std::unique_ptr<Linear> plan_linear(Device, const LinearShape& shape) {
  return std::make_unique<InterpretedLinear>(shape);
}

std::unique_ptr<Convolution> plan_convolution(Device, const ConvolutionShape& shape) {
  return std::make_unique<InterpretedConvolution>(shape);
}

}  // namespace eightfold::kernels::cuda
