#include "runtime/data/cifar.hpp"

#include "kernels/base/error.hpp"
#include "runtime/data/byte_stream.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace eightfold::runtime::data {
namespace {

namespace fs = std::filesystem;

// As many as train.bin of CIFAR-100 has. The bound keeps a compressed file from filling the memory.
constexpr std::int64_t kMaxRecords = 50'000;

struct Samples {
  std::vector<std::uint8_t> images;
  std::vector<std::uint8_t> labels;
};

// The files have one plane per colour; the layers compute channels-last
// (docs/decisions/0001-channels-last.md).
void append_channels_last(std::span<const std::uint8_t> planes, std::vector<std::uint8_t>& images) {
  const auto channels = static_cast<std::size_t>(kCifarShape.channels);
  const std::size_t pixels = planes.size() / channels;
  for (std::size_t pixel = 0; pixel < pixels; ++pixel)
    for (std::size_t channel = 0; channel < channels; ++channel)
      images.push_back(planes[channel * pixels + pixel]);
}

void make_room(std::uint64_t records, Samples& samples) {
  const auto more = static_cast<std::size_t>(std::min<std::uint64_t>(records, kMaxRecords));
  samples.images.reserve(samples.images.size() + more * static_cast<std::size_t>(kCifarShape.bytes()));
  samples.labels.reserve(samples.labels.size() + more);
}

void append_file(const fs::path& path, std::span<const std::uint8_t> label_limits, Samples& samples) {
  const std::size_t label_bytes = label_limits.size();
  std::vector<std::uint8_t> record(label_bytes + static_cast<std::size_t>(kCifarShape.bytes()));
  ByteStream stream(path);
  // Counting inflates a compressed file twice. Without it the vector would move its samples as it grows, and
  // need room for both copies.
  make_room(stream.left() / record.size(), samples);
  std::int64_t number = 0;
  for (std::size_t got; (got = stream.read(record)) > 0; ++number) {
    if (got < record.size())
      base::raise<base::DataError>("{}: record {} has {} bytes; a record takes {}", path.string(), number,
                                   got, record.size());
    if (number == kMaxRecords)
      base::raise<base::DataError>("{}: more than {} records, the most that a CIFAR file has", path.string(),
                                   kMaxRecords);
    for (std::size_t i = 0; i < label_bytes; ++i)
      if (record[i] >= label_limits[i])
        base::raise<base::DataError>("{}: record {} has label {} in byte {}; 0 to {} were expected",
                                     path.string(), number, record[i], i, label_limits[i] - 1);
    // CIFAR-100 has a coarse label before the fine one, which is what the network learns.
    samples.labels.push_back(record[label_bytes - 1]);
    append_channels_last(std::span(record).subspan(label_bytes), samples.images);
  }
  if (number == 0)
    base::raise<base::DataError>("{}: empty; CIFAR records of {} bytes were expected", path.string(),
                                 record.size());
}

}  // namespace

std::shared_ptr<const Source> read_cifar(std::span<const fs::path> files,
                                         std::span<const std::uint8_t> label_limits) {
  Samples samples;
  for (const fs::path& file : files) append_file(file, label_limits, samples);
  return std::make_shared<InMemorySource>(kCifarShape, label_limits.back(), std::move(samples.images),
                                          std::move(samples.labels));
}

}  // namespace eightfold::runtime::data
