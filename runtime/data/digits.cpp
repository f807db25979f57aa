#include "runtime/data/digits.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/file.hpp"
#include "kernels/random.hpp"
#include "runtime/data/digit_skeletons.hpp"
#include "runtime/data/idx.hpp"
#include "runtime/data/order.hpp"
#include "runtime/data/random_tensors.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace eightfold::runtime::data {
namespace {

constexpr int kSide = 28;
constexpr int kPixels = kSide * kSide;

// The numbers of one sample, drawn in the order in which they are asked for.
class Draws {
 public:
  explicit Draws(const kernels::RandomKey& key) : key_(key) {}

  std::uint32_t word() {
    if (next_ % 4 == 0) words_ = kernels::philox(key_, next_ / 4);
    return words_.word[next_++ % 4];
  }
  float uniform(float low, float high) { return low + (high - low) * kernels::uniform_from(word()); }
  // Nearly normal, never beyond 3.5 deviations: the sum of the four bytes of a word.
  float normal(float deviation) {
    const std::uint32_t drawn = word();
    const std::uint32_t sum = (drawn & 255) + (drawn >> 8 & 255) + (drawn >> 16 & 255) + (drawn >> 24);
    // 510 is the mean of the sum of four bytes, 256 / sqrt(3) its deviation.
    return deviation * 1.7320508f * (static_cast<float>(sum) - 510) / 256;
  }
  std::size_t below(std::size_t count) { return word() % count; }

 private:
  kernels::RandomKey key_;
  std::uint64_t next_ = 0;
  kernels::RandomWords words_{};
};

// From the unit square of the skeletons to pixels: a linear map around the middle of the square.
class Placement {
 public:
  explicit Placement(Draws& draws) {
    const float height = draws.uniform(14, 21);
    const float width = height * draws.uniform(0.55f, 0.95f);
    const float slant = draws.normal(0.2f);
    // Half-angle formulas: a rotation without sine and cosine, which differ between libraries.
    const float half = draws.normal(0.06f);
    const float cosine = (1 - half * half) / (1 + half * half);
    const float sine = 2 * half / (1 + half * half);
    xx_ = cosine * width;
    xy_ = -(cosine * slant + sine) * height;
    yx_ = sine * width;
    yy_ = (cosine - sine * slant) * height;
    x_ = (kSide - 1) * 0.5f + draws.normal(1.3f);
    y_ = (kSide - 1) * 0.5f + draws.normal(1.1f);
  }

  Point operator()(Point p) const {
    const float x = p.x - 0.5f;
    const float y = p.y - 0.5f;
    return {x_ + xx_ * x + xy_ * y, y_ + yx_ * x + yy_ * y};
  }

 private:
  float xx_, xy_, yx_, yy_, x_, y_;
};

// Where the pen has been: for every pixel the squared distance to the nearest stroke, exact up to the pen's
// reach.
class Trace {
 public:
  explicit Trace(float reach) : reach_(reach) { distance_.fill(reach * reach); }

  void line(Point a, Point b) {
    const float dx = b.x - a.x;
    const float dy = b.y - a.y;
    // A line without length is a dot: the bound keeps its distances finite.
    const float per_length = 1 / std::max(dx * dx + dy * dy, 1e-6f);
    const int left = first_pixel(std::min(a.x, b.x)), right = last_pixel(std::max(a.x, b.x));
    const int bottom = last_pixel(std::max(a.y, b.y));
    for (int y = first_pixel(std::min(a.y, b.y)); y <= bottom; ++y) {
      float* row = distance_.data() + std::ptrdiff_t{y} * kSide;
      const float py = static_cast<float>(y) - a.y;
      for (int x = left; x <= right; ++x) {
        const float px = static_cast<float>(x) - a.x;
        const float along = std::clamp((px * dx + py * dy) * per_length, 0.f, 1.f);
        const float ex = px - along * dx;
        const float ey = py - along * dy;
        row[x] = std::min(row[x], ex * ex + ey * ey);
      }
    }
  }

  // How much of a pixel is covered by a pen of this radius whose edge fades over twice `softness`.
  float coverage(int pixel, float radius, float softness) const {
    const float distance = std::sqrt(distance_[static_cast<std::size_t>(pixel)]);
    return std::clamp((radius + softness - distance) / (2 * softness), 0.f, 1.f);
  }

 private:
  int first_pixel(float low) const { return std::max(0, static_cast<int>(std::floor(low - reach_))); }
  int last_pixel(float high) const {
    return std::min(kSide - 1, static_cast<int>(std::floor(high + reach_)) + 1);
  }

  float reach_;
  std::array<float, kPixels> distance_;
};

struct Pen {
  explicit Pen(Draws& draws)
      : radius(draws.uniform(0.55f, 1.6f)),
        softness(draws.uniform(0.4f, 1.0f)),
        strength(draws.uniform(0.55f, 1)) {}

  float reach() const { return radius + softness; }

  float radius;
  float softness;
  float strength;
};

// The curve from b to c of a Catmull-Rom spline through a, b, c, d, as a chain of lines.
void draw_span(Trace& trace, Point a, Point b, Point c, Point d) {
  constexpr int kLines = 5;
  const auto at = [](float a0, float b0, float c0, float d0, float t) {
    const float quadratic = 2 * a0 - 5 * b0 + 4 * c0 - d0;
    const float cubic = 3 * (b0 - c0) + d0 - a0;
    return b0 + 0.5f * t * (c0 - a0 + t * (quadratic + t * cubic));
  };
  Point from = b;
  for (int line = 1; line <= kLines; ++line) {
    const float t = static_cast<float>(line) / kLines;
    const Point to{at(a.x, b.x, c.x, d.x, t), at(a.y, b.y, c.y, d.y, t)};
    trace.line(from, to);
    from = to;
  }
}

// One word of a skeleton; `points` are its points in pixels.
void draw_stroke(Trace& trace, std::string_view word, std::span<const Point> points) {
  const auto point = [&](std::size_t letter) { return points[static_cast<std::size_t>(word[letter] - 'a')]; };
  const std::size_t last = word.size() - 1;
  if (last == 1) return trace.line(point(0), point(1));
  // The curve needs a point before and behind each span. A closed stroke goes around; an open one repeats its
  // end.
  const bool loop = word.front() == word.back();
  for (std::size_t i = 0; i < last; ++i) {
    const Point before = i > 0 ? point(i - 1) : point(loop ? last - 1 : 0);
    const Point after = i + 2 <= last ? point(i + 2) : point(loop ? 1 : last);
    draw_span(trace, before, point(i), point(i + 1), after);
  }
}

void draw_skeleton(Trace& trace, const Skeleton& skeleton, Draws& draws) {
  constexpr float kWobble = 0.035f;
  const Placement placement(draws);
  std::array<Point, std::tuple_size_v<decltype(Skeleton::point)>> points{};
  for (std::size_t i = 0; i < static_cast<std::size_t>(skeleton.points); ++i) {
    const Point moved{skeleton.point[i].x + draws.normal(kWobble),
                      skeleton.point[i].y + draws.normal(kWobble)};
    points[i] = placement(moved);
  }
  for (std::string_view rest = skeleton.strokes; !rest.empty();) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    draw_stroke(trace, rest.substr(0, end), points);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

// Up to two short lines that belong to no digit.
void draw_strays(Trace& trace, Draws& draws) {
  for (std::size_t left = draws.below(3); left > 0; --left) {
    const Point from{draws.uniform(0, kSide - 1), draws.uniform(0, kSide - 1)};
    trace.line(from, {from.x + draws.normal(2.5f), from.y + draws.normal(2.5f)});
  }
}

void cover_with_noise(std::span<std::uint8_t> image, std::span<const float> ink, Draws& draws) {
  const float strength = draws.uniform(0, 30);
  for (std::size_t pixel = 0; pixel < image.size(); pixel += 4) {
    const std::uint32_t word = draws.word();
    for (std::size_t i = 0; i < 4; ++i) {
      const float noise = (static_cast<float>(word >> (8 * i) & 255) - 127.5f) * (1 / 127.5f);
      // The conversion drops the fraction: with half added before, it rounds to nearest.
      const float value = 255 * ink[pixel + i] + strength * noise + 0.5f;
      image[pixel + i] = static_cast<std::uint8_t>(std::clamp(value, 0.f, 255.f));
    }
  }
}

struct Samples {
  std::vector<std::uint8_t> images;
  std::vector<std::uint8_t> labels;
};

Samples draw_digits(std::uint64_t seed, DigitPart part, std::int64_t count) {
  const auto samples = static_cast<std::size_t>(count);
  Samples drawn{std::vector<std::uint8_t>(samples * kPixels), std::vector<std::uint8_t>(samples)};
  for (std::size_t i = 0; i < samples; ++i)
    drawn.labels[i] = static_cast<std::uint8_t>(draw_digit(
        seed, part, static_cast<std::int64_t>(i), std::span(drawn.images).subspan(i * kPixels, kPixels)));
  return drawn;
}

}  // namespace

// The order of the draws decides the bytes, and so the fingerprint: a draw that is added or moved gives
// another data set.
std::int32_t draw_digit(std::uint64_t seed, DigitPart part, std::int64_t index,
                        std::span<std::uint8_t> image) {
  base::require(index >= 0 && index <= 0xFFFF'FFFF && image.size() == kPixels, "digit {} drawn over {} bytes",
                index, image.size());
  const auto number = static_cast<std::uint32_t>(index);
  const bool train = part == DigitPart::train;
  const kernels::RandomKey label_key{
      seed, number / 10, train ? RandomTensor::digit_labels_train : RandomTensor::digit_labels_test};
  // Each ten samples are a permutation of the classes, so that the first samples of the data set are as
  // balanced as all of them.
  const auto label = static_cast<int>(permuted(label_key, 10, number % 10));

  Draws draws({seed, number, train ? RandomTensor::digit_strokes_train : RandomTensor::digit_strokes_test});
  const auto ways = skeletons_of(label);
  const Skeleton& skeleton = ways[draws.below(ways.size())];
  const Pen pen(draws);
  Trace digit(pen.reach());
  draw_skeleton(digit, skeleton, draws);
  Trace strays(pen.reach());
  const float stray_strength = pen.strength * draws.uniform(0.3f, 0.8f);
  draw_strays(strays, draws);

  std::array<float, kPixels> ink;
  for (int pixel = 0; pixel < kPixels; ++pixel)
    ink[static_cast<std::size_t>(pixel)] =
        std::max(pen.strength * digit.coverage(pixel, pen.radius, pen.softness),
                 stray_strength * strays.coverage(pixel, pen.radius, pen.softness));
  cover_with_noise(image, ink, draws);
  return label;
}

std::shared_ptr<const Source> make_digits(std::uint64_t seed, DigitPart part, std::int64_t count) {
  Samples samples = draw_digits(seed, part, count);
  return std::make_shared<InMemorySource>(kDigitShape, kDigitClasses, std::move(samples.images),
                                          std::move(samples.labels));
}

void write_digits(const std::filesystem::path& directory, std::uint64_t seed, std::int64_t train,
                  std::int64_t test) {
  const IdxOptions names;
  base::create_directories(directory, base::Access::umask);
  const auto write = [&](DigitPart part, std::int64_t count, const std::string& images,
                         const std::string& labels) {
    Samples samples = draw_digits(seed, part, count);
    write_idx(directory / images,
              {{count, kDigitShape.height, kDigitShape.width}, std::move(samples.images)});
    write_idx(directory / labels, {{count}, std::move(samples.labels)});
  };
  write(DigitPart::train, train, names.images, names.labels);
  write(DigitPart::test, test, names.test_images, names.test_labels);
}

}  // namespace eightfold::runtime::data
