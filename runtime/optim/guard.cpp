#include "runtime/optim/guard.hpp"

#include "comm/mpi/agreed_error.hpp"
#include "kernels/reduce.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace eightfold::runtime::optim {
namespace {

constexpr const char* kAdvice = "lower optimizer.learning_rate or set optimizer.clip_norm";

[[noreturn]] void stop(std::int64_t step, const std::string& reason) {
  throw comm::mpi::AgreedError(base::ExitCode::divergence,
                               fmt::format("at step {} {}: {}", step, reason, kAdvice));
}

}  // namespace

std::optional<double> z_score(std::span<const float> norms, double exact_norm) {
  const auto count = static_cast<double>(norms.size());
  const double norm = static_cast<float>(exact_norm);  // rounded as those that it is compared with
  double sum = 0;
  for (const float each : norms) sum += each;
  const double mean = sum / count;
  // Places without a norm yet hold NaN: there is no score before all are filled.
  if (std::isnan(mean)) return std::nullopt;
  double squares = 0;
  for (const float each : norms) squares += (each - mean) * (each - mean);
  const double deviation = std::sqrt(squares / count);
  // Norms that differ by no more than their rounding are equal: by such a deviation anything would stand out.
  if (deviation <= mean * std::numeric_limits<float>::epsilon()) return std::nullopt;
  return (norm - mean) / deviation;
}

Guard::Guard(const config::Guard& config, kernels::Device device)
    : config_(config), sum_of_squares_(device, 1), sum_of_squares_host_(device, 1) {
  if (config.spike == 0) return;
  norms_ = kernels::Buffer<float>(kernels::Device{}, kNorms);
  // NaN stands for no norm yet, also in a checkpoint, which has the tensor in one size.
  std::ranges::fill(norms().span<float>(), std::numeric_limits<float>::quiet_NaN());
}

bool Guard::is_on() const noexcept {
  return config_.non_finite != config::NonFinite::off || config_.spike > 0;
}

kernels::Tensor Guard::norms() const {
  return norms_.size() > 0 ? norms_.tensor() : kernels::Tensor();
}

// The gradients are the sums of all ranks, the same bits everywhere. Each rank therefore decides alike
// without a message, and a fault may throw without an agreement.
bool Guard::admits(kernels::StreamView stream, kernels::ConstTensor gradients, std::int64_t step) {
  const double norm = norm_of(stream, gradients);
  const std::optional<Fault> fault = fault_of(norm);
  if (!fault) {
    in_a_row_ = 0;
    remember(norm);
    return true;
  }
  const std::int64_t done = step + 1;
  if (fault->stops) stop(done, fault->reason);
  if (++in_a_row_ > config_.skip_limit)
    stop(done, fmt::format("{}, and guard.skip_limit = {} allows no more in a row", fault->reason,
                           config_.skip_limit));
  skipped_.push_back({done, norm, fault->reason});
  return false;
}

double Guard::norm_of(kernels::StreamView stream, kernels::ConstTensor gradients) {
  const kernels::Tensor sum = sum_of_squares_.tensor();
  const kernels::Tensor host = sum_of_squares_host_.tensor(sum.shape());
  kernels::sum_of_squares(stream, gradients, sum);
  kernels::copy(stream, sum, host);
  // The host waits for the device here in every step: it must know before it enqueues the update.
  stream.synchronize();
  return std::sqrt(sum_of_squares_host_.data()[0]);
}

std::optional<Guard::Fault> Guard::fault_of(double norm) const {
  if (!std::isfinite(norm)) {
    if (config_.non_finite == config::NonFinite::off) return std::nullopt;
    return Fault{"the gradient is not finite", config_.non_finite == config::NonFinite::stop};
  }
  if (config_.spike == 0) return std::nullopt;
  const std::optional<double> score = z_score(norms().span<float>(), norm);
  if (!score || *score <= config_.spike) return std::nullopt;
  return Fault{fmt::format("the gradient's norm is {:.4g}, {:.1f} standard deviations above the mean of the "
                           "last {} steps (guard.spike = {})",
                           norm, *score, kNorms, config_.spike),
               config_.spike_policy == config::SpikePolicy::stop};
}

// A norm that is not finite would blind the guard for as many steps as it remembers.
void Guard::remember(double norm) {
  if (norms_.size() == 0 || !std::isfinite(norm)) return;
  const std::span<float> all = norms().span<float>();
  std::shift_left(all.begin(), all.end(), 1);
  all.back() = static_cast<float>(norm);
}

std::vector<telemetry::SkippedStep> Guard::take_skipped() {
  return std::exchange(skipped_, {});
}

}  // namespace eightfold::runtime::optim
