#pragma once

// Looks at the gradient of every step before it may change a weight. A gradient that is not finite, or whose
// norm stands out from those of the steps before, is skipped or ends the job. After the exchange every rank
// holds the same bits of the gradient. Its norm is summed in a fixed order. So all ranks get the same answer
// without communication.
//
// A skipped step counts as a step, but leaves momentum, moments and weights unchanged. The residuals of error
// feedback are those that its exchange left.

#include "kernels/buffer.hpp"
#include "kernels/stream.hpp"
#include "kernels/tensor.hpp"
#include "runtime/config/job.hpp"
#include "runtime/telemetry/telemetry.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace eightfold::runtime::optim {

// By how many standard deviations a norm, rounded to a float, is above the mean of the norms. Nothing while
// one of them is missing (NaN), and where all are equal up to their rounding: without a spread nothing stands
// out.
std::optional<double> z_score(std::span<const float> norms, double exact_norm);

class Guard {
 public:
  // Norms that a new one is compared with, those of the last steps that were taken. llm.c has as many.
  static constexpr std::size_t kNorms = 128;

  Guard(const config::Guard& config, kernels::Device device);

  // True if it checks anything. If so a step waits for all of its gradients, and on a device for their norm.
  bool is_on() const noexcept;
  // True if the step, counted from 0, may update weights with these gradients, summed over the ranks. Waits
  // for the stream. Throws an AgreedError of divergence where the job says stop, or has skipped too many
  // steps in a row.
  bool admits(kernels::StreamView stream, kernels::ConstTensor gradients, std::int64_t step);

  // Those since the last call.
  std::vector<telemetry::SkippedStep> take_skipped();
  // The state to save for an exact resume: the norms, oldest first, NaN where there is none yet, on the host.
  // Absent where spikes are not looked for.
  kernels::Tensor norms() const;

 private:
  struct Fault {
    std::string reason;
    bool stops;
  };
  double norm_of(kernels::StreamView stream, kernels::ConstTensor gradients);
  std::optional<Fault> fault_of(double norm) const;
  void remember(double norm);

  config::Guard config_;
  kernels::Buffer<double> sum_of_squares_;
  kernels::PinnedBuffer<double> sum_of_squares_host_;
  kernels::Buffer<float> norms_;
  std::int64_t in_a_row_ = 0;  // skipped
  std::vector<telemetry::SkippedStep> skipped_;
};

}  // namespace eightfold::runtime::optim
