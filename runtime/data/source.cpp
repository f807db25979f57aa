#include "runtime/data/source.hpp"

#include "kernels/base/error.hpp"

#include <algorithm>
#include <utility>

namespace eightfold::runtime::data {

std::string Source::place(std::int64_t index) const {
  return fmt::format("sample {}", index);
}

InMemorySource::InMemorySource(SampleShape shape, std::int64_t classes, std::vector<std::uint8_t> images,
                               std::vector<std::uint8_t> labels, std::string file)
    : shape_(shape),
      classes_(classes),
      images_(std::move(images)),
      labels_(std::move(labels)),
      file_(std::move(file)) {
  base::require(static_cast<std::int64_t>(images_.size()) == size() * shape.bytes(),
                "{} bytes of images for {} labels of {} bytes each", images_.size(), size(), shape.bytes());
  base::require(std::ranges::all_of(labels_, [&](std::uint8_t label) { return label < classes; }),
                "a label outside [0, {})", classes);
}

void InMemorySource::read(std::int64_t index, std::span<std::uint8_t> image, std::int32_t& label) const {
  const std::int64_t bytes = shape_.bytes();
  base::require(index >= 0 && index < size() && static_cast<std::int64_t>(image.size()) == bytes,
                "sample {} of {} read into {} bytes", index, size(), image.size());
  std::copy_n(images_.begin() + index * bytes, bytes, image.begin());
  label = labels_[static_cast<std::size_t>(index)];
}

std::string InMemorySource::place(std::int64_t index) const {
  return file_.empty() ? Source::place(index) : fmt::format("{}: record {}", file_, index);
}

SliceSource::SliceSource(std::shared_ptr<const Source> whole, std::int64_t first, std::int64_t count)
    : whole_(std::move(whole)), first_(first), count_(count) {
  base::require(first >= 0 && count >= 0 && first <= whole_->size() - count, "samples {} to {} of {}", first,
                first + count, whole_->size());
}

void SliceSource::read(std::int64_t index, std::span<std::uint8_t> image, std::int32_t& label) const {
  base::require(index >= 0 && index < count_, "sample {} of {}", index, count_);
  whole_->read(first_ + index, image, label);
}

void require_labels_below(const Source& source, std::int64_t outputs) {
  // Every label is below classes(), which the source has checked. The samples need no second reading.
  if (source.classes() <= outputs) return;
  std::vector<std::uint8_t> image(static_cast<std::size_t>(source.sample_shape().bytes()));
  for (std::int64_t i = 0; i < source.size(); ++i) {
    std::int32_t label = 0;
    source.read(i, image, label);
    if (label >= outputs)
      base::raise<base::DataError>(
          "{} has label {}, but the network ends in {} values per sample: labels 0 to {} were expected",
          source.place(i), label, outputs, outputs - 1);
  }
}

}  // namespace eightfold::runtime::data
