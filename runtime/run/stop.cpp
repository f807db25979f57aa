#include "runtime/run/stop.hpp"

#include "kernels/base/log.hpp"
#include "kernels/base/parse.hpp"
#include "kernels/pipeline_depth.hpp"

#include <csignal>
#include <cstdlib>

namespace eightfold::runtime::run {
namespace {

constexpr std::chrono::seconds kReserve{60};  // what else ends with a job: its last lines, a trace, MPI

}  // namespace

std::string_view to_string(StopReason reason) {
  switch (reason) {
    case StopReason::none:
      return "nothing";
    case StopReason::time_limit:
      return "the time limit";
    case StopReason::user_signal:
      return "SIGUSR1";
    case StopReason::processor_limit:
      return "SIGXCPU";
    case StopReason::hang_up:
      return "SIGHUP";
    case StopReason::quit:
      return "SIGQUIT";
    case StopReason::interrupt:
      return "SIGINT";
    case StopReason::terminate:
      return "SIGTERM";
  }
  return "";
}

StopReason reason_of(int signal) {
  switch (signal) {
    case SIGUSR1:
      return StopReason::user_signal;
    case SIGXCPU:
      return StopReason::processor_limit;
    case SIGHUP:
      return StopReason::hang_up;
    case SIGQUIT:
      return StopReason::quit;
    case SIGINT:
      return StopReason::interrupt;
    default:
      return StopReason::terminate;
  }
}

// Reasons are numbered by importance, and the maximum remains: for one process here, over all ranks in
// StopAgreement. The order of requests does not matter then.
void StopRequest::request(StopReason reason) noexcept {
  StopReason before = reason_.load(std::memory_order_relaxed);
  while (before < reason && !reason_.compare_exchange_weak(before, reason, std::memory_order_relaxed))
    continue;
}

std::optional<std::chrono::system_clock::time_point> slurm_end_time() {
  const char* text = std::getenv("SLURM_JOB_END_TIME");
  if (text == nullptr) return std::nullopt;
  const std::optional<std::int64_t> seconds = base::parse_integer(text);
  if (!seconds) {
    base::log_warn("SLURM_JOB_END_TIME is \"{}\", no number of seconds: the time limit is not known", text);
    return std::nullopt;
  }
  return std::chrono::system_clock::time_point(std::chrono::seconds(*seconds));
}

StopAgreement::StopAgreement(comm::engine::Engine& engine, kernels::Device device, StopRequest& request,
                             std::optional<Time> end)
    : request_(request),
      end_(end),
      lag_(device.kind == kernels::DeviceKind::host ? 0 : kernels::PipelineDepth::kStopLag),
      is_alone_(engine.ranks() == 1),
      maximum_(engine, lag_ + 1) {}

void StopAgreement::ask(std::chrono::duration<double> stopping) {
  if (end_ && std::chrono::system_clock::now() + stopping + kReserve >= *end_)
    request_.request(StopReason::time_limit);
  if (!is_alone_) maximum_.submit(static_cast<std::uint32_t>(request_.reason()));
}

StopReason StopAgreement::answer() {
  if (is_alone_) return request_.reason();
  // On a GPU the answer is that of some steps ago, so that no step waits for its own. Every rank takes the
  // answer of the same step and stops after the same one.
  if (maximum_.under_way() <= lag_) return StopReason::none;
  return static_cast<StopReason>(maximum_.result());
}

}  // namespace eightfold::runtime::run
