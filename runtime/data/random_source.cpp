#include "runtime/data/random_source.hpp"

#include "kernels/random.hpp"
#include "runtime/data/registry.hpp"

namespace eightfold::runtime::data {

std::shared_ptr<const Source> random_source(std::string_view kind, std::int64_t samples) {
  const DataTraits& traits = find_data_kind(kind).traits;
  const SampleShape& shape = traits.shape;
  const std::int64_t classes = traits.classes;
  std::vector<std::uint8_t> images(static_cast<std::size_t>(samples * shape.bytes()));
  std::vector<std::uint8_t> labels(static_cast<std::size_t>(samples));
  // The keys are fixed, so that every measurement computes on the same values.
  const kernels::RandomKey pixels{1, 0, 0}, labelling{1, 0, 1};
  for (std::size_t i = 0; i < images.size(); ++i)
    images[i] = static_cast<std::uint8_t>(kernels::random_word(pixels, i));
  for (std::size_t i = 0; i < labels.size(); ++i)
    labels[i] =
        static_cast<std::uint8_t>(kernels::random_word(labelling, i) % static_cast<std::uint32_t>(classes));
  return std::make_shared<InMemorySource>(shape, classes, std::move(images), std::move(labels));
}

}  // namespace eightfold::runtime::data
