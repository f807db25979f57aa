#include "kernels/convolution.hpp"
#include "kernels/cuda/activation.hpp"
#include "kernels/cuda/library.hpp"
#include "kernels/operations.hpp"

#include <cudnn.h>

#include <algorithm>
#include <array>
#include <span>

// Bitwise reproducible: only algorithms that cuDNN calls deterministic are taken. Bias and activation are a
// kernel of our own: cuDNN's ReLU turns NaN into 0.

namespace eightfold::kernels::cuda {
namespace {

void check_cudnn(const char* call, cudnnStatus_t status,
                 std::source_location where = std::source_location::current()) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  std::array<char, 512> detail{};
  cudnnGetLastErrorString(detail.data(), detail.size());
  throw base::LibraryError(call, static_cast<int>(status),
                           fmt::format("{} {}", cudnnGetErrorString(status), detail.data()), where);
}
#define EIGHTFOLD_CUDNN_CHECK(call) check_cudnn(#call, (call))

using TensorLayout = Owned<cudnnTensorDescriptor_t, &cudnnDestroyTensorDescriptor>;
using FilterLayout = Owned<cudnnFilterDescriptor_t, &cudnnDestroyFilterDescriptor>;
using Description = Owned<cudnnConvolutionDescriptor_t, &cudnnDestroyConvolutionDescriptor>;

// The handle of a device, set to a stream. Setting it and the call that follows belong together: one thread
// at a time.
class Library {
 public:
  explicit Library(Device device) : lock_(mutex_), handle_(handle_of(device)) { make_current(device); }
  explicit Library(StreamView stream) : Library(stream.device()) {
    EIGHTFOLD_CUDNN_CHECK(cudnnSetStream(handle_, native(stream)));
  }
  cudnnHandle_t handle() const { return handle_; }

 private:
  static cudnnHandle_t handle_of(Device device) {
    static auto* const handles = new HandlePerDevice<cudnnHandle_t>;
    return handles->of(device, [] {
      cudnnHandle_t handle = nullptr;
      EIGHTFOLD_CUDNN_CHECK(cudnnCreate(&handle));
      return handle;
    });
  }

  static inline std::mutex mutex_;
  std::lock_guard<std::mutex> lock_;
  cudnnHandle_t handle_;
};

// cuDNN names extents [batch, channels, height, width] whatever the order in memory, and counts in int.
TensorLayout image_layout(std::int64_t batch, std::int64_t channels, std::int64_t height,
                          std::int64_t width) {
  cudnnTensorDescriptor_t created = nullptr;
  EIGHTFOLD_CUDNN_CHECK(cudnnCreateTensorDescriptor(&created));
  TensorLayout layout(created);
  EIGHTFOLD_CUDNN_CHECK(cudnnSetTensor4dDescriptor(created, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT,
                                                   static_cast<int>(batch), static_cast<int>(channels),
                                                   static_cast<int>(height), static_cast<int>(width)));
  return layout;
}

FilterLayout filter_layout(const ConvolutionShape& shape) {
  cudnnFilterDescriptor_t created = nullptr;
  EIGHTFOLD_CUDNN_CHECK(cudnnCreateFilterDescriptor(&created));
  FilterLayout layout(created);
  const auto kernel = static_cast<int>(shape.kernel);
  EIGHTFOLD_CUDNN_CHECK(cudnnSetFilter4dDescriptor(
      created, CUDNN_DATA_FLOAT, CUDNN_TENSOR_NHWC, static_cast<int>(shape.out_channels),
      static_cast<int>(shape.in_channels / shape.groups), kernel, kernel));
  return layout;
}

Description describe(const ConvolutionShape& shape) {
  cudnnConvolutionDescriptor_t created = nullptr;
  EIGHTFOLD_CUDNN_CHECK(cudnnCreateConvolutionDescriptor(&created));
  Description description(created);
  const auto padding = static_cast<int>(shape.padding), stride = static_cast<int>(shape.stride);
  EIGHTFOLD_CUDNN_CHECK(cudnnSetConvolution2dDescriptor(created, padding, padding, stride, stride, 1, 1,
                                                        CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT));
  EIGHTFOLD_CUDNN_CHECK(cudnnSetConvolutionGroupCount(created, static_cast<int>(shape.groups)));
  // With the default, cuDNN may round fp32 to TF32.
  EIGHTFOLD_CUDNN_CHECK(cudnnSetConvolutionMathType(created, tf32() ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH));
  return description;
}

// The plan of one pass: its algorithm, and a description that contains the arithmetic.
template <class Algorithm>
struct PlannedDirection {
  Description description;
  Algorithm algorithm{};
  std::size_t workspace_bytes = 0;
};

[[noreturn]] void throw_no_algorithm(const ConvolutionShape& shape, const char* what) {
  base::raise<base::EnvironmentError>(
      "cuDNN has no deterministic algorithm for the {} pass of a convolution of {} to {} channels in {} "
      "groups, kernel {}, stride {}, over {} images of {} x {}",
      what, shape.in_channels, shape.out_channels, shape.groups, shape.kernel, shape.stride, shape.batch,
      shape.height, shape.width);
}

// The first candidate, in cuDNN's order of expected speed, that is deterministic, keeps fp32, runs and takes
// no more workspace than is worth it. offer(description, room, found, candidates) asks for candidates,
// workspace_of(description, algorithm, bytes) whether one runs, and in how much memory.
template <class Candidate, class Offer, class WorkspaceOf>
auto plan_pass(const ConvolutionShape& shape, const char* what, const Offer& offer,
               const WorkspaceOf& workspace_of) {
  constexpr std::size_t kWorkspaceLimit = 256 << 20;
  PlannedDirection<decltype(Candidate::algo)> pass{describe(shape)};
  std::array<Candidate, 16> candidates{};
  int found = 0;
  EIGHTFOLD_CUDNN_CHECK(
      offer(pass.description.get(), static_cast<int>(candidates.size()), &found, candidates.data()));
  for (const Candidate& candidate : std::span(candidates).first(static_cast<std::size_t>(found))) {
    if (candidate.status != CUDNN_STATUS_SUCCESS || candidate.determinism != CUDNN_DETERMINISTIC ||
        candidate.mathType == CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION)
      continue;
    // A candidate may have been offered with the default arithmetic, which rounds to TF32.
    if (tf32())
      EIGHTFOLD_CUDNN_CHECK(cudnnSetConvolutionMathType(pass.description.get(), candidate.mathType));
    if (workspace_of(pass.description.get(), candidate.algo, &pass.workspace_bytes) != CUDNN_STATUS_SUCCESS ||
        pass.workspace_bytes > kWorkspaceLimit)
      continue;
    pass.algorithm = candidate.algo;
    return pass;
  }
  throw_no_algorithm(shape, what);
}

class CudaConvolution final : public Convolution {
 public:
  CudaConvolution(Device device, const ConvolutionShape& shape)
      : shape_(shape),
        rows_(shape.batch * shape.out_height() * shape.out_width()),
        bias_gradient_(device, rows_, shape.out_channels, shape.activation) {
    if (shape.batch > 0) plan(device);
  }

  // The arena's layout is the one that cuDNN wants: nothing to pack.
  void begin_step(StreamView, ConstTensor weight) override { weight_ = weight.as<float>(); }

  void forward(StreamView stream, ConstTensor x, ConstTensor bias, Tensor y) override {
    if (shape_.batch == 0) return;
    EIGHTFOLD_CUDNN_CHECK(cudnnConvolutionForward(Library(stream).handle(), &kOne, x_.get(), x.as<float>(),
                                                  filter_.get(), weight_, forward_.description.get(),
                                                  forward_.algorithm, workspace_.data(), workspace_.size(),
                                                  &kZero, y_.get(), y.as<float>()));
    add_bias(stream, bias.as<float>(), rows_, shape_.out_channels, shape_.activation, y.as<float>());
  }

  void backward_parameters(StreamView stream, ConstTensor x, ConstTensor y, Tensor dy, GradientMode mode,
                           Tensor dweight, Tensor dbias) override {
    bias_gradient_(stream, y.as<float>(), dy.as<float>(), mode, dbias.as<float>());
    if (shape_.batch == 0) {
      if (mode == GradientMode::overwrite) cuda::fill(stream, 0, dweight);
      return;
    }
    EIGHTFOLD_CUDNN_CHECK(cudnnConvolutionBackwardFilter(
        Library(stream).handle(), &kOne, x_.get(), x.as<float>(), y_.get(), dy.as<float>(),
        backward_weight_.description.get(), backward_weight_.algorithm, workspace_.data(), workspace_.size(),
        mode == GradientMode::accumulate ? &kOne : &kZero, filter_.get(), dweight.as<float>()));
  }

  void backward_data(StreamView stream, ConstTensor dy, Tensor dx) override {
    if (shape_.batch == 0) return;
    EIGHTFOLD_CUDNN_CHECK(cudnnConvolutionBackwardData(
        Library(stream).handle(), &kOne, filter_.get(), weight_, y_.get(), dy.as<float>(),
        backward_data_.description.get(), backward_data_.algorithm, workspace_.data(), workspace_.size(),
        &kZero, x_.get(), dx.as<float>()));
  }

 private:
  static constexpr float kZero = 0, kOne = 1;

  void plan(Device device) {
    x_ = image_layout(shape_.batch, shape_.in_channels, shape_.height, shape_.width);
    y_ = image_layout(shape_.batch, shape_.out_channels, shape_.out_height(), shape_.out_width());
    filter_ = filter_layout(shape_);
    plan_passes(device);
    workspace_ =
        Buffer<std::byte>(device, std::max({forward_.workspace_bytes, backward_weight_.workspace_bytes,
                                            backward_data_.workspace_bytes}));
  }

  void plan_passes(Device device) {
    const Library library(device);
    const cudnnHandle_t handle = library.handle();
    forward_ = plan_pass<cudnnConvolutionFwdAlgoPerf_t>(
        shape_, "forward",
        [&](auto with, auto... room) {
          return cudnnGetConvolutionForwardAlgorithm_v7(handle, x_.get(), filter_.get(), with, y_.get(),
                                                        room...);
        },
        [&](auto with, auto... algorithm) {
          return cudnnGetConvolutionForwardWorkspaceSize(handle, x_.get(), filter_.get(), with, y_.get(),
                                                         algorithm...);
        });
    backward_weight_ = plan_pass<cudnnConvolutionBwdFilterAlgoPerf_t>(
        shape_, "weight",
        [&](auto with, auto... room) {
          return cudnnGetConvolutionBackwardFilterAlgorithm_v7(handle, x_.get(), y_.get(), with,
                                                               filter_.get(), room...);
        },
        [&](auto with, auto... algorithm) {
          return cudnnGetConvolutionBackwardFilterWorkspaceSize(handle, x_.get(), y_.get(), with,
                                                                filter_.get(), algorithm...);
        });
    backward_data_ = plan_pass<cudnnConvolutionBwdDataAlgoPerf_t>(
        shape_, "data",
        [&](auto with, auto... room) {
          return cudnnGetConvolutionBackwardDataAlgorithm_v7(handle, filter_.get(), y_.get(), with, x_.get(),
                                                             room...);
        },
        [&](auto with, auto... algorithm) {
          return cudnnGetConvolutionBackwardDataWorkspaceSize(handle, filter_.get(), y_.get(), with, x_.get(),
                                                              algorithm...);
        });
  }

  ConvolutionShape shape_;
  std::int64_t rows_;  // pixels of y
  BiasGradient bias_gradient_;
  const float* weight_ = nullptr;
  TensorLayout x_, y_;
  FilterLayout filter_;
  PlannedDirection<cudnnConvolutionFwdAlgo_t> forward_;
  PlannedDirection<cudnnConvolutionBwdFilterAlgo_t> backward_weight_;
  PlannedDirection<cudnnConvolutionBwdDataAlgo_t> backward_data_;
  Buffer<std::byte> workspace_;
};

}  // namespace

std::unique_ptr<Convolution> plan_convolution(Device device, const ConvolutionShape& shape) {
  return std::make_unique<CudaConvolution>(device, shape);
}

}  // namespace eightfold::kernels::cuda
