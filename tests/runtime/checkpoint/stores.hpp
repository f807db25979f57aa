#pragma once

// Checkpoints with contents that follow from their step, for the tests of the store.

#include "kernels/base/error.hpp"
#include "runtime/checkpoint/store.hpp"

#include <filesystem>
#include <vector>

namespace eightfold::runtime::checkpoint {

struct Saved {
  static constexpr std::int64_t kCount = 300;
  std::int64_t step;
  std::vector<float> values = std::vector<float>(kCount);

  explicit Saved(std::int64_t of_step) : step(of_step) {
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(step) + 0.5F * static_cast<float>(i);
  }
  Contents contents() const {
    const auto tensor = kernels::host_tensor(std::span(values), kernels::Shape{kCount});
    return {step,
            2,
            "hash",
            "# config of step " + std::to_string(step) + "\n",
            {{"w", tensor}},
            {{"m.w", tensor}},
            0};
  }
};

inline std::filesystem::path save_step(const std::filesystem::path& store, std::int64_t step,
                                       std::int64_t keep = 2) {
  return save(store, Saved(step).contents(), keep);
}

using Steps = std::vector<std::int64_t>;

// The steps of a store's checkpoints, in their order; -1 for a damaged one.
inline Steps steps_in(const std::filesystem::path& store) {
  Steps steps;
  for (const Listed& listed : list(store)) steps.push_back(listed.manifest ? listed.manifest->step : -1);
  return steps;
}

// True if a directory is a complete checkpoint with exactly what save_step wrote.
inline bool holds_step(const std::filesystem::path& directory, std::int64_t step) {
  const Found found = find(directory);
  std::vector<float> weights(Saved::kCount), optimizer(Saved::kCount);
  const kernels::Shape shape{Saved::kCount};
  SafetensorsFile(directory / kWeightsFile).read("w", kernels::host_tensor(std::span(weights), shape));
  SafetensorsFile(directory / kOptimizerFile).read("m.w", kernels::host_tensor(std::span(optimizer), shape));
  const Saved expected(step);
  return found.manifest.step == step && weights == expected.values && optimizer == expected.values;
}

}  // namespace eightfold::runtime::checkpoint
