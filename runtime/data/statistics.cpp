#include "runtime/data/statistics.hpp"

#include "kernels/base/counted.hpp"
#include "kernels/base/error.hpp"
#include "kernels/base/hash.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>

namespace eightfold::runtime::data {
namespace {

void describe_part(const char* name, const Source& source, std::string& text) {
  constexpr std::size_t kClassesPerLine = 10;
  const auto out = std::back_inserter(text);
  const SampleShape shape = source.sample_shape();
  const ByteStatistics bytes = byte_statistics(source);
  fmt::format_to(out, "{:<5} {}, {} x {} x {} bytes each, {} classes\n", name,
                 base::counted(source.size(), "sample"), shape.height, shape.width, shape.channels,
                 source.classes());
  fmt::format_to(out, "      bytes: mean {:.2f}, standard deviation {:.2f}\n", fmt::join(bytes.mean, " "),
                 fmt::join(bytes.deviation, " "));
  fmt::format_to(out, "      fingerprint {}\n", fingerprint(source));
  const auto histogram = class_histogram(source);
  for (std::size_t first = 0; first < histogram.size(); first += kClassesPerLine) {
    const auto line =
        std::span(histogram).subspan(first, std::min(kClassesPerLine, histogram.size() - first));
    fmt::format_to(out, "      samples of class {:>3} to {:>3}: {}\n", first, first + line.size() - 1,
                   fmt::join(line, " "));
  }
}

}  // namespace

ByteStatistics byte_statistics(const Source& source) {
  constexpr std::int64_t kMaxSamples = 10'000;
  base::require(source.size() > 0, "statistics of no samples");
  const std::int64_t count = std::min(source.size(), kMaxSamples);
  const SampleShape shape = source.sample_shape();
  const auto channels = static_cast<std::size_t>(shape.channels);
  std::vector<std::uint8_t> image(static_cast<std::size_t>(shape.bytes()));
  // Sums of integers are exact: mean and deviation have the same bits on every rank.
  std::vector<std::uint64_t> sum(channels), sum_of_squares(channels);
  for (std::int64_t i = 0; i < count; ++i) {
    std::int32_t label;
    // Spread evenly, since files may be sorted by class.
    source.read(i * source.size() / count, image, label);
    for (std::size_t at = 0; at < image.size(); ++at) {
      sum[at % channels] += image[at];
      sum_of_squares[at % channels] += std::uint64_t{image[at]} * image[at];
    }
  }
  ByteStatistics statistics;
  const auto values = static_cast<double>(count * shape.height * shape.width);
  for (std::size_t channel = 0; channel < channels; ++channel) {
    const double mean = static_cast<double>(sum[channel]) / values;
    const double variance = static_cast<double>(sum_of_squares[channel]) / values - mean * mean;
    statistics.mean.push_back(mean);
    // Rounding may make the variance of a constant channel negative.
    statistics.deviation.push_back(std::sqrt(std::max(variance, 0.0)));
  }
  return statistics;
}

Normalization normalization(const ByteStatistics& train) {
  Normalization result;
  for (std::size_t channel = 0; channel < train.mean.size(); ++channel) {
    // A constant channel becomes zeros instead of infinities.
    const double scale = train.deviation[channel] > 0 ? 1 / train.deviation[channel] : 1;
    result.scale.push_back(static_cast<float>(scale));
    result.shift.push_back(static_cast<float>(-train.mean[channel] * scale));
  }
  return result;
}

// The bytes are those that docs/data.md defines, whatever the byte order of the machine.
std::string fingerprint(const Source& source) {
  base::Hash128 hash;
  const auto update = [&](std::uint64_t value, std::size_t bytes) {
    std::array<std::byte, 8> little_endian{};
    for (std::size_t i = 0; i < bytes; ++i) little_endian[i] = static_cast<std::byte>(value >> (8 * i));
    hash.update(std::span(little_endian).first(bytes));
  };
  const SampleShape shape = source.sample_shape();
  for (const std::int64_t extent : {shape.height, shape.width, shape.channels})
    update(static_cast<std::uint64_t>(extent), 8);
  std::vector<std::uint8_t> image(static_cast<std::size_t>(shape.bytes()));
  for (std::int64_t i = 0; i < source.size(); ++i) {
    std::int32_t label;
    source.read(i, image, label);
    hash.update(std::as_bytes(std::span(image)));
    update(static_cast<std::uint32_t>(label), 4);
  }
  return hash.hex();
}

std::vector<std::int64_t> class_histogram(const Source& source) {
  std::vector<std::int64_t> histogram(static_cast<std::size_t>(source.classes()));
  std::vector<std::uint8_t> image(static_cast<std::size_t>(source.sample_shape().bytes()));
  for (std::int64_t i = 0; i < source.size(); ++i) {
    std::int32_t label;
    source.read(i, image, label);
    ++histogram[static_cast<std::size_t>(label)];
  }
  return histogram;
}

std::string describe(const Split& split) {
  std::string text;
  describe_part("train", *split.train, text);
  describe_part("test", *split.test, text);
  return text;
}

}  // namespace eightfold::runtime::data
