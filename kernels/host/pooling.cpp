#include "kernels/host/parallel.hpp"
#include "kernels/operations.hpp"

#include <limits>

namespace eightfold::kernels::host {
namespace {

// The part of a window along one axis that lies inside the image.
struct Extent {
  std::int64_t first, last;
};
Extent window(const PoolingShape& shape, std::int64_t position, std::int64_t size) {
  const std::int64_t start = position * shape.stride - shape.padding;
  return {std::max<std::int64_t>(start, 0), std::min(start + shape.kernel, size)};
}

// Calls visit(pixel, tap) in row-major order for the pixels of a window that lie inside the image. `tap`
// counts all positions of the window, also those in the padding.
template <class Visit>
void for_each_tap(const PoolingShape& shape, std::int64_t row, std::int64_t column, const Visit& visit) {
  const Extent rows = window(shape, row, shape.height);
  const Extent columns = window(shape, column, shape.width);
  const std::int64_t top = row * shape.stride - shape.padding, left = column * shape.stride - shape.padding;
  for (std::int64_t h = rows.first; h < rows.last; ++h)
    for (std::int64_t w = columns.first; w < columns.last; ++w)
      visit(h * shape.width + w, (h - top) * shape.kernel + (w - left));
}

// Calls visit(row, column, output pixel) for each window of an image.
template <class Visit>
void for_each_window(const PoolingShape& shape, const Visit& visit) {
  for (std::int64_t row = 0; row < shape.out_height(); ++row)
    for (std::int64_t column = 0; column < shape.out_width(); ++column)
      visit(row, column, row * shape.out_width() + column);
}

// Calls body(image of x, image of y) as element offsets, images shared among threads.
template <class Body>
void for_each_image(const PoolingShape& shape, const Body& body) {
  const std::int64_t in = shape.height * shape.width * shape.channels;
  const std::int64_t out = shape.out_height() * shape.out_width() * shape.channels;
  // Whole images, because windows of one image that overlap add to the same pixels.
  for_each_range(shape.batch, in, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t image = first; image < last; ++image) body(image * in, image * out);
  });
}

// Tap: the type that holds a position within a window.
template <class Tap>
class MaxPooling final : public Pooling {
 public:
  explicit MaxPooling(const PoolingShape& shape)
      : shape_(shape),
        taps_(Device{}, static_cast<std::size_t>(shape.batch * shape.out_height() * shape.out_width() *
                                                 shape.channels * static_cast<std::int64_t>(sizeof(Tap)))) {}

  void forward(StreamView, ConstTensor x, Tensor y) override {
    const float* from = x.as<float>();
    float* to = y.as<float>();
    for_each_image(shape_, [&](std::int64_t in, std::int64_t out) {
      for_each_window(shape_, [&](std::int64_t row, std::int64_t column, std::int64_t pixel) {
        const std::int64_t target = out + pixel * shape_.channels;
        maximum(from + in, row, column, to + target, taps() + target);
      });
    });
  }

  // Windows that do not overlap write every pixel once or never; others add up.
  void backward(StreamView, ConstTensor dy, Tensor dx) override {
    const float* from = dy.as<float>();
    float* to = dx.as<float>();
    const std::int64_t image_size = shape_.height * shape_.width * shape_.channels;
    for_each_image(shape_, [&](std::int64_t in, std::int64_t out) {
      std::fill(to + in, to + in + image_size, 0.0F);
      for_each_window(shape_, [&](std::int64_t row, std::int64_t column, std::int64_t pixel) {
        const std::int64_t source = out + pixel * shape_.channels;
        spread(from + source, taps() + source, row, column, to + in);
      });
    });
  }

 private:
  Tap* taps() const { return reinterpret_cast<Tap*>(taps_.data()); }

  // NaN exceeds everything: it reaches the loss instead of disappearing.
  void maximum(const float* image, std::int64_t row, std::int64_t column, float* best, Tap* where) const {
    const std::int64_t channels = shape_.channels;
    std::fill(best, best + channels, -std::numeric_limits<float>::infinity());
    bool is_first = true;
    for_each_tap(shape_, row, column, [&](std::int64_t pixel, std::int64_t tap) {
      const float* x = image + pixel * channels;
      const auto here = static_cast<Tap>(tap);
#pragma omp simd
      for (std::int64_t c = 0; c < channels; ++c) {
        // Without is_first a window of -infinity alone would have no position.
        const bool wins = is_first || x[c] > best[c] || x[c] != x[c];
        best[c] = wins ? x[c] : best[c];
        where[c] = wins ? here : where[c];
      }
      is_first = false;
    });
  }

  void spread(const float* dy, const Tap* where, std::int64_t row, std::int64_t column, float* image) const {
    const std::int64_t channels = shape_.channels;
    for_each_tap(shape_, row, column, [&](std::int64_t pixel, std::int64_t tap) {
      float* dx = image + pixel * channels;
      const auto here = static_cast<Tap>(tap);
#pragma omp simd
      for (std::int64_t c = 0; c < channels; ++c) dx[c] += where[c] == here ? dy[c] : 0.0F;
    });
  }

  PoolingShape shape_;
  Buffer<std::uint8_t> taps_;
};

class AveragePooling final : public Pooling {
 public:
  explicit AveragePooling(const PoolingShape& shape) : shape_(shape) {}

  void forward(StreamView, ConstTensor x, Tensor y) override {
    const float* from = x.as<float>();
    float* to = y.as<float>();
    const std::int64_t channels = shape_.channels;
    for_each_image(shape_, [&](std::int64_t in, std::int64_t out) {
      for_each_window(shape_, [&](std::int64_t row, std::int64_t column, std::int64_t pixel) {
        float* sum = to + out + pixel * channels;
        std::fill(sum, sum + channels, 0.0F);
        for_each_tap(shape_, row, column, [&](std::int64_t tap_pixel, std::int64_t) {
          const float* source = from + in + tap_pixel * channels;
#pragma omp simd
          for (std::int64_t c = 0; c < channels; ++c) sum[c] += source[c];
        });
        const float share = weight(row, column);
#pragma omp simd
        for (std::int64_t c = 0; c < channels; ++c) sum[c] *= share;
      });
    });
  }

  void backward(StreamView, ConstTensor dy, Tensor dx) override {
    const float* from = dy.as<float>();
    float* to = dx.as<float>();
    const std::int64_t channels = shape_.channels;
    const std::int64_t image_size = shape_.height * shape_.width * channels;
    for_each_image(shape_, [&](std::int64_t in, std::int64_t out) {
      std::fill(to + in, to + in + image_size, 0.0F);
      for_each_window(shape_, [&](std::int64_t row, std::int64_t column, std::int64_t pixel) {
        const float* gradient = from + out + pixel * channels;
        const float share = weight(row, column);
        for_each_tap(shape_, row, column, [&](std::int64_t tap_pixel, std::int64_t) {
          float* target = to + in + tap_pixel * channels;
#pragma omp simd
          for (std::int64_t c = 0; c < channels; ++c) target[c] += share * gradient[c];
        });
      });
    });
  }

 private:
  // One over the window's pixels inside the image.
  // There is one at least: padding is less than the kernel.
  float weight(std::int64_t row, std::int64_t column) const {
    const Extent rows = window(shape_, row, shape_.height);
    const Extent columns = window(shape_, column, shape_.width);
    return 1 / static_cast<float>((rows.last - rows.first) * (columns.last - columns.first));
  }

  PoolingShape shape_;
};

}  // namespace

std::unique_ptr<Pooling> plan_pooling(Device, const PoolingShape& shape) {
  if (shape.mode == PoolingMode::average) return std::make_unique<AveragePooling>(shape);
  // Positions of one byte, where that is enough, take a quarter of the memory of the outputs.
  const std::int64_t taps = shape.kernel * shape.kernel;
  if (taps <= std::numeric_limits<std::uint8_t>::max())
    return std::make_unique<MaxPooling<std::uint8_t>>(shape);
  return std::make_unique<MaxPooling<std::uint32_t>>(shape);
}

}  // namespace eightfold::kernels::host
