#pragma once

// Where samples come from: byte images, channels-last, each with a class. Everything behind this interface is
// in memory or computed: reading needs no lock and no file.

#include "runtime/config/job.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace eightfold::runtime::data {

struct SampleShape {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 1;

  std::int64_t bytes() const { return height * width * channels; }
  friend bool operator==(const SampleShape&, const SampleShape&) = default;
};

// Threads may read at the same time.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::int64_t size() const = 0;
  virtual SampleShape sample_shape() const = 0;
  // Labels lie in [0, classes).
  virtual std::int64_t classes() const = 0;
  // Copies sample `index` to `image` (sample_shape().bytes() of them) and its class to `label`.
  virtual void read(std::int64_t index, std::span<std::uint8_t> image, std::int32_t& label) const = 0;
};

class InMemorySource final : public Source {
 public:
  // `images` holds labels.size() samples one after the other. Requires: the sizes agree and labels are in
  // range.
  InMemorySource(SampleShape shape, std::int64_t classes, std::vector<std::uint8_t> images,
                 std::vector<std::uint8_t> labels);

  std::int64_t size() const override { return static_cast<std::int64_t>(labels_.size()); }
  SampleShape sample_shape() const override { return shape_; }
  std::int64_t classes() const override { return classes_; }
  void read(std::int64_t index, std::span<std::uint8_t> image, std::int32_t& label) const override;

 private:
  SampleShape shape_;
  std::int64_t classes_;
  std::vector<std::uint8_t> images_;
  std::vector<std::uint8_t> labels_;
};

// Samples [first, first + count) of another source, which it keeps alive.
class SliceSource final : public Source {
 public:
  SliceSource(std::shared_ptr<const Source> whole, std::int64_t first, std::int64_t count);

  std::int64_t size() const override { return count_; }
  SampleShape sample_shape() const override { return whole_->sample_shape(); }
  std::int64_t classes() const override { return whole_->classes(); }
  void read(std::int64_t index, std::span<std::uint8_t> image, std::int32_t& label) const override;

 private:
  std::shared_ptr<const Source> whole_;
  std::int64_t first_;
  std::int64_t count_;
};

// Both parts have the same sample shape and number of classes, and neither is empty.
struct Split {
  std::shared_ptr<const Source> train;
  std::shared_ptr<const Source> test;
};

// The data set that a config names (docs/data.md). `seed` matters to the generated kinds only. Throws
// DataError, naming file and numbers, when files are missing or damaged or hold fewer samples than were asked
// for.
//
//   idx       `train` samples from the front of the training files, 0: all. `test` = 0: the test files;
//   otherwise
//             the next `test` samples of the training files (with `train` = 0: the last ones, and the rest
//             trains).
//   cifar10   `train` and `test` samples from the front of either part, 0: all.
//   cifar100  the same, with the 100 fine labels.
//   digits    `train` and `test` generated samples, 0: 20000 and 4000.
Split open(const config::Data& config, std::uint64_t seed);

}  // namespace eightfold::runtime::data
