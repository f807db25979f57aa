#include "runtime/data/training_facts.hpp"

#include <fmt/format.h>

#include <string_view>

namespace eightfold::runtime::data {
namespace {

std::string text(const SampleShape& shape) {
  return fmt::format("{} x {} x {}", shape.height, shape.width, shape.channels);
}

}  // namespace

TrainingFacts training_facts(const Source& train) {
  return {train.sample_shape(), train.size(), train.classes(), byte_statistics(train), fingerprint(train)};
}

std::vector<std::string> differences(const TrainingFacts& checkpoint, const TrainingFacts& job) {
  std::vector<std::string> lines;
  const auto compare = [&](std::string_view name, const auto& before, const auto& now) {
    if (before != now) lines.push_back(fmt::format("{}: checkpoint {}, job {}", name, before, now));
  };
  // The fingerprint covers the labels. Mean and deviation are not compared, as those of the checkpoint stay
  // in use.
  compare("shape", text(checkpoint.shape), text(job.shape));
  compare("samples", checkpoint.samples, job.samples);
  compare("fingerprint", checkpoint.fingerprint, job.fingerprint);
  return lines;
}

}  // namespace eightfold::runtime::data
