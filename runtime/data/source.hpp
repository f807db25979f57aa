#pragma once

// The source of samples: byte images, channels-last, each with a class. Everything behind this interface is
// in memory or computed: reading needs no lock and no file.

#include "runtime/config/job.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
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
  // Labels lie in [0, classes): as many as the kind of data defines, or, where it defines none, one more than
  // the largest label.
  virtual std::int64_t classes() const = 0;
  // Copies sample `index` to `image` (sample_shape().bytes() of them) and its class to `label`.
  virtual void read(std::int64_t index, std::span<std::uint8_t> image, std::int32_t& label) const = 0;
  // The name of sample `index` for users: "data/train-labels-idx1-ubyte: record 5".
  virtual std::string place(std::int64_t index) const;
};

class InMemorySource final : public Source {
 public:
  // `images` holds labels.size() samples one after the other. `file` is where the labels come from, if from
  // one. Requires: the sizes agree and labels are in range.
  InMemorySource(SampleShape shape, std::int64_t classes, std::vector<std::uint8_t> images,
                 std::vector<std::uint8_t> labels, std::string file = {});

  std::int64_t size() const override { return static_cast<std::int64_t>(labels_.size()); }
  SampleShape sample_shape() const override { return shape_; }
  std::int64_t classes() const override { return classes_; }
  void read(std::int64_t index, std::span<std::uint8_t> image, std::int32_t& label) const override;
  std::string place(std::int64_t index) const override;

 private:
  SampleShape shape_;
  std::int64_t classes_;
  std::vector<std::uint8_t> images_;
  std::vector<std::uint8_t> labels_;
  std::string file_;
};

// Samples [first, first + count) of another source, which it keeps alive.
class SliceSource final : public Source {
 public:
  SliceSource(std::shared_ptr<const Source> whole, std::int64_t first, std::int64_t count);

  std::int64_t size() const override { return count_; }
  SampleShape sample_shape() const override { return whole_->sample_shape(); }
  std::int64_t classes() const override { return whole_->classes(); }
  void read(std::int64_t index, std::span<std::uint8_t> image, std::int32_t& label) const override;
  std::string place(std::int64_t index) const override { return whole_->place(first_ + index); }

 private:
  std::shared_ptr<const Source> whole_;
  std::int64_t first_;
  std::int64_t count_;
};

// Throws DataError with the place of the first label that is not below `outputs`, which is how many classes a
// network tells apart.
void require_labels_below(const Source& source, std::int64_t outputs);

// Both parts have the same sample shape, and neither is empty.
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

// The test samples for a network that was trained on `trained` of the training samples, of shape `shape`. No
// file is opened but those that hold them. If these are the training files, the test samples are those behind
// the trained ones. The trained ones are then the split's other part; otherwise that part is absent. Throws
// DataError as open() does, and where the samples have another shape.
Split open_test(const config::Data& config, std::uint64_t seed, std::int64_t trained,
                const SampleShape& shape);

}  // namespace eightfold::runtime::data
