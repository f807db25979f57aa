#include "kernels/cuda/parallel.hpp"
#include "kernels/operations.hpp"
#include "kernels/pooling.hpp"

#include <cmath>
#include <limits>

// Bitwise reproducible and with the bits of the host: a thread computes an element alone. Backward passes
// gather: they visit the windows that hold a pixel in the order in which the host adds their gradients up.

namespace eightfold::kernels::cuda {
namespace {

// Images of one side of the pooling, as pixels in a row.
struct Images {
  std::int64_t pixels;  // of the whole batch
  int height, width;
};

struct Geometry {
  Images in, out;
  std::int64_t channels;
  int kernel, stride, padding;

  explicit Geometry(const PoolingShape& shape)
      : in{shape.batch * shape.height * shape.width, static_cast<int>(shape.height),
           static_cast<int>(shape.width)},
        out{shape.batch * shape.out_height() * shape.out_width(), static_cast<int>(shape.out_height()),
            static_cast<int>(shape.out_width())},
        channels(shape.channels),
        kernel(static_cast<int>(shape.kernel)),
        stride(static_cast<int>(shape.stride)),
        padding(static_cast<int>(shape.padding)) {
    base::require(
        in.pixels <= std::numeric_limits<int>::max() && out.pixels <= std::numeric_limits<int>::max(),
        "pooling: {} pixels in a batch", in.pixels);
  }
};

struct PixelPosition {
  std::int64_t image;
  int row, column;
};
// Pixels are counted in 32 bits, where a division is four times cheaper; Geometry has made sure.
__device__ PixelPosition position_of(std::int64_t pixel, const Images& images) {
  const auto index = static_cast<unsigned>(pixel);
  const unsigned width = static_cast<unsigned>(images.width), height = static_cast<unsigned>(images.height);
  const unsigned row = index / width;
  return {row / height, static_cast<int>(row % height), static_cast<int>(index % width)};
}
__device__ std::int64_t pixel_at(std::int64_t image, int row, int column, const Images& images) {
  return (image * images.height + row) * images.width + column;
}

// [first, last): positions along one axis.
struct Range {
  int first, last;
};
// The part of an output's window that lies inside the image.
__device__ Range window_of(int position, int size, const Geometry& geometry) {
  const int start = position * geometry.stride - geometry.padding;
  const int end = start + geometry.kernel;
  return {start > 0 ? start : 0, end < size ? end : size};
}
// The outputs whose windows hold a position of the image.
__device__ Range windows_with(int position, int outputs, const Geometry& geometry) {
  const int padded = position + geometry.padding;
  const int beyond = padded - geometry.kernel + 1;
  const int end = padded / geometry.stride + 1;
  return {beyond > 0 ? (beyond + geometry.stride - 1) / geometry.stride : 0, end < outputs ? end : outputs};
}

// Threads on the channels of one pixel: the smallest power of two that covers them. The rest of a block works
// on further pixels. So warps read whole lines, and few channels leave few threads without work.
LaunchShape pixel_shape(StreamView stream, std::int64_t pixels, std::int64_t channels) {
  unsigned across = 1;
  while (across < channels && across < kLoopThreads) across *= 2;
  LaunchShape shape = loop_shape(stream, pixels * across);
  shape.block = dim3(across, kLoopThreads / across);
  return shape;
}

// The first pixel of this thread, and how far apart its pixels are.
__device__ std::int64_t first_pixel() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.y + threadIdx.y;
}
__device__ std::int64_t pixel_stride() {
  return static_cast<std::int64_t>(gridDim.x) * blockDim.y;
}

// The maximum of one channel over a window, and the tap (position in the window) where it stands. The first
// of equals wins; NaN exceeds everything.
struct Maximum {
  float value;
  int tap;
};
__device__ Maximum maximum_of(const Geometry& geometry, const PixelPosition& at, const float* image,
                              std::int64_t channel) {
  const Range rows = window_of(at.row, geometry.in.height, geometry);
  const Range columns = window_of(at.column, geometry.in.width, geometry);
  const int top = at.row * geometry.stride - geometry.padding,
            left = at.column * geometry.stride - geometry.padding;
  Maximum best{-INFINITY, -1};
  for (int h = rows.first; h < rows.last; ++h)
    for (int w = columns.first; w < columns.last; ++w) {
      const float x = image[pixel_at(0, h, w, geometry.in) * geometry.channels + channel];
      if (best.tap < 0 || x > best.value || isnan(x)) best = {x, (h - top) * geometry.kernel + (w - left)};
    }
  return best;
}

template <class Tap>
__global__ void max_forward_kernel(Geometry geometry, const float* x, float* y, Tap* taps) {
  for (std::int64_t pixel = first_pixel(); pixel < geometry.out.pixels; pixel += pixel_stride()) {
    const PixelPosition at = position_of(pixel, geometry.out);
    const float* image = x + pixel_at(at.image, 0, 0, geometry.in) * geometry.channels;
    for (std::int64_t channel = threadIdx.x; channel < geometry.channels; channel += blockDim.x) {
      const Maximum best = maximum_of(geometry, at, image, channel);
      y[pixel * geometry.channels + channel] = best.value;
      taps[pixel * geometry.channels + channel] = static_cast<Tap>(best.tap);
    }
  }
}

template <class Tap>
__global__ void max_backward_kernel(Geometry geometry, const float* dy, const Tap* taps, float* dx) {
  for (std::int64_t pixel = first_pixel(); pixel < geometry.in.pixels; pixel += pixel_stride()) {
    const PixelPosition at = position_of(pixel, geometry.in);
    const Range rows = windows_with(at.row, geometry.out.height, geometry);
    const Range columns = windows_with(at.column, geometry.out.width, geometry);
    for (std::int64_t channel = threadIdx.x; channel < geometry.channels; channel += blockDim.x) {
      float sum = 0;
      for (int row = rows.first; row < rows.last; ++row)
        for (int column = columns.first; column < columns.last; ++column) {
          const int tap = (at.row + geometry.padding - row * geometry.stride) * geometry.kernel + at.column +
                          geometry.padding - column * geometry.stride;
          const std::int64_t i = pixel_at(at.image, row, column, geometry.out) * geometry.channels + channel;
          if (taps[i] == static_cast<Tap>(tap)) sum += dy[i];
        }
      dx[pixel * geometry.channels + channel] = sum;
    }
  }
}

// One over the pixels of an output's window that lie inside the image.
__device__ float share_of(int row, int column, const Geometry& geometry) {
  const Range rows = window_of(row, geometry.in.height, geometry);
  const Range columns = window_of(column, geometry.in.width, geometry);
  return 1 / static_cast<float>((rows.last - rows.first) * (columns.last - columns.first));
}

__global__ void average_forward_kernel(Geometry geometry, const float* x, float* y) {
  for (std::int64_t pixel = first_pixel(); pixel < geometry.out.pixels; pixel += pixel_stride()) {
    const PixelPosition at = position_of(pixel, geometry.out);
    const Range rows = window_of(at.row, geometry.in.height, geometry);
    const Range columns = window_of(at.column, geometry.in.width, geometry);
    const float share = share_of(at.row, at.column, geometry);
    for (std::int64_t channel = threadIdx.x; channel < geometry.channels; channel += blockDim.x) {
      float sum = 0;
      for (int h = rows.first; h < rows.last; ++h)
        for (int w = columns.first; w < columns.last; ++w)
          sum += x[pixel_at(at.image, h, w, geometry.in) * geometry.channels + channel];
      y[pixel * geometry.channels + channel] = sum * share;
    }
  }
}

__global__ void average_backward_kernel(Geometry geometry, const float* dy, float* dx) {
  for (std::int64_t pixel = first_pixel(); pixel < geometry.in.pixels; pixel += pixel_stride()) {
    const PixelPosition at = position_of(pixel, geometry.in);
    const Range rows = windows_with(at.row, geometry.out.height, geometry);
    const Range columns = windows_with(at.column, geometry.out.width, geometry);
    for (std::int64_t channel = threadIdx.x; channel < geometry.channels; channel += blockDim.x) {
      float sum = 0;
      for (int row = rows.first; row < rows.last; ++row)
        for (int column = columns.first; column < columns.last; ++column)
          sum += share_of(row, column, geometry) *
                 dy[pixel_at(at.image, row, column, geometry.out) * geometry.channels + channel];
      dx[pixel * geometry.channels + channel] = sum;
    }
  }
}

// Starts a kernel for the pixels of one side, unless there are none.
template <class... Parameters, class... Arguments>
void launch_over(const Images& images, StreamView stream, const Geometry& geometry,
                 void (*kernel)(Geometry, Parameters...), Arguments... arguments) {
  if (images.pixels == 0) return;
  launch(stream, pixel_shape(stream, images.pixels, geometry.channels), kernel, geometry, arguments...);
}

// Tap: the type that holds a position within a window.
template <class Tap>
class MaxPooling final : public Pooling {
 public:
  MaxPooling(Device device, const PoolingShape& shape)
      : geometry_(shape),
        taps_(device, static_cast<std::size_t>(geometry_.out.pixels * geometry_.channels) * sizeof(Tap)) {}

  void forward(StreamView stream, ConstTensor x, Tensor y) override {
    launch_over(geometry_.out, stream, geometry_, max_forward_kernel<Tap>, x.as<float>(), y.as<float>(),
                taps());
  }
  void backward(StreamView stream, ConstTensor dy, Tensor dx) override {
    launch_over(geometry_.in, stream, geometry_, max_backward_kernel<Tap>, dy.as<float>(), taps(),
                dx.as<float>());
  }

 private:
  Tap* taps() const { return reinterpret_cast<Tap*>(taps_.data()); }

  Geometry geometry_;
  Buffer<std::uint8_t> taps_;
};

class AveragePooling final : public Pooling {
 public:
  explicit AveragePooling(const PoolingShape& shape) : geometry_(shape) {}

  void forward(StreamView stream, ConstTensor x, Tensor y) override {
    launch_over(geometry_.out, stream, geometry_, average_forward_kernel, x.as<float>(), y.as<float>());
  }
  void backward(StreamView stream, ConstTensor dy, Tensor dx) override {
    launch_over(geometry_.in, stream, geometry_, average_backward_kernel, dy.as<float>(), dx.as<float>());
  }

 private:
  Geometry geometry_;
};

}  // namespace

std::unique_ptr<Pooling> plan_pooling(Device device, const PoolingShape& shape) {
  if (shape.mode == PoolingMode::average) return std::make_unique<AveragePooling>(shape);
  if (shape.kernel * shape.kernel <= std::numeric_limits<std::uint8_t>::max())
    return std::make_unique<MaxPooling<std::uint8_t>>(device, shape);
  return std::make_unique<MaxPooling<std::uint32_t>>(device, shape);
}

}  // namespace eightfold::kernels::cuda
