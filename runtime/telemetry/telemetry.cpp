#include "runtime/telemetry/telemetry.hpp"

#include "kernels/base/counted.hpp"
#include "kernels/base/error.hpp"
#include "kernels/base/file.hpp"
#include "kernels/base/json.hpp"
#include "kernels/base/log.hpp"
#include "runtime/telemetry/terminal.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

namespace eightfold::runtime::telemetry {
namespace {

using Json = nlohmann::json;

constexpr auto kBarInterval = std::chrono::milliseconds(100);
constexpr std::size_t kBarCells = 30;

double percent(double part, double whole) {
  return whole > 0 ? 100 * part / whole : 0;
}

// A run that was killed may have left half a record; what follows must not be glued to it.
void drop_torn_line(const std::filesystem::path& path) {
  std::error_code failure;
  if (!std::filesystem::is_regular_file(path, failure)) return;
  const std::string text = base::read_file(path, std::numeric_limits<std::size_t>::max());
  const std::size_t last = text.rfind('\n');
  const std::size_t whole = last == std::string::npos ? 0 : last + 1;
  if (whole < text.size()) std::filesystem::resize_file(path, whole, failure);
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string exchange_text(const Phases& phases) {
  const double per_step_ms = 1e3 / static_cast<double>(phases.steps);
  return fmt::format("exchange {:.2f} ms = encode {:.2f} + wire {:.2f} + decode {:.2f}",
                     phases.exchange_s * per_step_ms, phases.encode_s * per_step_ms,
                     phases.wire_s() * per_step_ms, phases.decode_s * per_step_ms);
}

std::string score_text(const Score& score) {
  if (score.samples == 0) return "every step was skipped";
  return fmt::format("loss {:.4f} | accuracy {:.2f} %", score.loss(), 100 * score.accuracy());
}

std::string health_line(std::span<const health::RankReport> ranks) {
  const std::string summary = health::summary_of(ranks), throttled = health::throttled_ranks(ranks);
  return fmt::format("health: {}{}", summary.empty() ? "no GPU that NVML knows" : summary,
                     throttled.empty() ? "" : "; throttled: " + throttled);
}

}  // namespace

Telemetry::Telemetry(const config::Telemetry& config, config::RunLength length,
                     std::filesystem::path run_directory, int rank)
    : config_(config),
      length_(length),
      directory_(std::move(run_directory)),
      rank_(rank),
      speaks_(rank == 0),
      has_bar_(rank == 0 && output_is_watched()) {
  if (config_.trace && !directory_.empty()) trace_ = std::make_unique<Trace>();
  if (!speaks_ || directory_.empty()) return;
  open_metrics();
  if (!metrics_)
    base::raise<base::EnvironmentError>("cannot write {}: {}", (directory_ / "metrics.jsonl").string(),
                                        std::strerror(errno));
}

void Telemetry::on_span(const base::Span& span) noexcept {
  clock_.add(span);
  pace_.add(span);
  if (trace_ != nullptr) trace_->add(span);
}

void Telemetry::begin(std::int64_t first_step) {
  first_step_ = first_step;
  began_ = base::Clock::now();
  record(Json{{"kind", "begin"}, {"step", first_step}, {"steps", length_.steps}});
}

Phases Telemetry::take_phases() {
  const Phases phases = clock_.take();
  total_ += phases;
  return phases;
}

void Telemetry::interval(std::int64_t step, const Phases& phases, const Score& score, double learning_rate,
                         std::span<const health::RankReport> ranks) {
  if (!speaks_ || phases.steps == 0) return;
  const double per_step_ms = 1e3 / static_cast<double>(phases.steps);
  const double samples_per_s = static_cast<double>(score.samples) / phases.step_s;
  const double left_s = base::seconds_since(began_) / static_cast<double>(step - first_step_) *
                        static_cast<double>(length_.steps - step);
  say(fmt::format(
      "step {:>{}}/{} | epoch {:.2f} | {} | rate {:.3g} | {:.0f} samples/s | "
      "step {:.2f} ms = compute {:.2f} + exposed {:.2f} + data {:.2f} |{} {} left",
      step, std::to_string(length_.steps).size(), length_.steps, epoch_at(step), score_text(score),
      learning_rate, samples_per_s, phases.step_s * per_step_ms, phases.compute_s() * per_step_ms,
      phases.exposed_s * per_step_ms, phases.data_wait_s * per_step_ms,
      phases.exchange_s > 0 ? fmt::format(" {} |", exchange_text(phases)) : "", clock_text(left_s)));
  if (config_.health) say(health_line(ranks));
  record(Json{{"kind", "train"},
              {"step", step},
              {"epoch", epoch_at(step)},
              {"loss", score.loss()},
              {"accuracy", score.accuracy()},
              {"learning_rate", learning_rate},
              {"samples_per_s", samples_per_s},
              {"step_ms", phases.step_s * per_step_ms},
              {"compute_ms", phases.compute_s() * per_step_ms},
              {"exposed_ms", phases.exposed_s * per_step_ms},
              {"data_wait_ms", phases.data_wait_s * per_step_ms},
              {"exchange_ms", phases.exchange_s * per_step_ms},
              {"encode_ms", phases.encode_s * per_step_ms},
              {"wire_ms", phases.wire_s() * per_step_ms},
              {"decode_ms", phases.decode_s * per_step_ms},
              {"ranks", health::record_of(ranks)}});
}

void Telemetry::skipped(const SkippedStep& step) {
  ++skipped_;
  if (!speaks_) return;
  clear_bar();
  base::log_warn("step {} is skipped: {}", step.step, step.reason);
  record(Json{{"kind", "skipped"}, {"step", step.step}, {"norm", step.norm}, {"reason", step.reason}});
}

void Telemetry::progress(std::int64_t step) {
  if (!has_bar_ || base::Clock::now() - bar_drawn_ < kBarInterval) return;
  bar_drawn_ = base::Clock::now();
  const auto filled = kBarCells * static_cast<std::size_t>(step) / static_cast<std::size_t>(length_.steps);
  const std::string bar =
      fmt::format("[{:#<{}}{:.<{}}] {}/{}", "", filled, "", kBarCells - filled, step, length_.steps);
  bar_width_ = bar.size();
  show(fmt::format("\r{}", bar));
}

void Telemetry::evaluation(std::int64_t step, const Score& score) {
  say(fmt::format("evaluation at step {} (epoch {:.2f}): accuracy {:.2f} %, loss {:.4f} over {} samples",
                  step, epoch_at(step), 100 * score.accuracy(), score.loss(), score.samples));
  record(Json{{"kind", "evaluation"},
              {"step", step},
              {"epoch", epoch_at(step)},
              {"test_loss", score.loss()},
              {"test_accuracy", score.accuracy()},
              {"samples", score.samples}});
}

void Telemetry::checkpoint(std::int64_t step, const std::filesystem::path& directory, double seconds,
                           double stall_s) {
  record(Json{{"kind", "checkpoint"},
              {"step", step},
              {"directory", directory.string()},
              {"seconds", seconds},
              {"stall_seconds", stall_s}});
}

void Telemetry::checkpoint_failure(std::int64_t step, const std::string& reason) {
  record(Json{{"kind", "checkpoint_failure"}, {"step", step}, {"reason", reason}});
}

void Telemetry::exchange_error(std::int64_t step, std::span<const double> nmse) {
  if (nmse.empty()) return;
  const auto worst = std::ranges::max_element(nmse);
  say(fmt::format(
      "exchange up to step {}: squared error over squared sum {:.3g} in the worst bucket, {} of {}", step,
      *worst, worst - nmse.begin(), nmse.size()));
  record(Json{{"kind", "verify"}, {"step", step}, {"nmse", nmse}});
}

void Telemetry::end(std::int64_t step) {
  if (total_.steps > 0)
    give_verdict(step);
  else
    record(Json{{"kind", "end"}, {"step", step}});  // a run that goes on from its last step
  clear_bar();
  write_trace();
}

// The run is worth more than its trace.
void Telemetry::write_trace() const {
  if (trace_ == nullptr) return;
  try {
    trace_->write(
        directory_ / (rank_ == 0 ? std::string("trace.json") : fmt::format("trace-{:05}.json", rank_)),
        rank_);
  } catch (const base::EnvironmentError& failure) {
    base::log_error("{}; the run has no whole trace", failure.what());
  }
}

void Telemetry::give_verdict(std::int64_t step) {
  const double compute = percent(total_.compute_s(), total_.step_s);
  const double exposed = percent(total_.exposed_s, total_.step_s);
  const double data = percent(total_.data_wait_s, total_.step_s);
  const bool codec_is_slower = total_.encode_s + total_.decode_s > total_.wire_s();
  const char* bound = compute >= std::max(exposed, data) ? "compute"
                      : exposed < data                   ? "data"
                      : codec_is_slower                  ? "codec"
                                                         : "network";
  std::string verdict = fmt::format(
      "verdict: {}-bound: {:.0f} % of the step time computed, {:.0f} % waited for the exchange, {:.0f} % "
      "for data",
      bound, compute, exposed, data);
  if (total_.exchange_s > 0)
    verdict += fmt::format("; {}, {:.0f} % of it hidden", exchange_text(total_), 100 * total_.hidden());
  if (skipped_ > 0) verdict += fmt::format("; {} skipped", base::counted(skipped_, "step"));
  say(verdict);
  record(Json{{"kind", "end"},
              {"step", step},
              {"bound", bound},
              {"compute_percent", compute},
              {"exposed_percent", exposed},
              {"data_wait_percent", data},
              {"hidden_percent", 100 * total_.hidden()},
              {"skipped_steps", skipped_}});
}

void Telemetry::open_metrics() {
  metrics_ = {};
  drop_torn_line(directory_ / "metrics.jsonl");
  metrics_.open(directory_ / "metrics.jsonl", std::ios::app);
}

// A full disk costs records, not the run. The stream tries once more as it is closed.
void Telemetry::record(const Json& json) {
  const std::string line = base::json_text(json);
  if (!speaks_ || directory_.empty()) return;
  if (lost_records_ > 0) open_metrics();
  if (metrics_ << line << '\n' << std::flush) {
    if (lost_records_ > 0)
      base::log_warn("metrics.jsonl lacks up to {} records", std::exchange(lost_records_, 0));
  } else if (++lost_records_ == 1) {
    base::log_error("cannot write {}: {}; records are lost until it can be written again",
                    (directory_ / "metrics.jsonl").string(), std::strerror(errno));
  }
}

void Telemetry::say(const std::string& line) {
  if (!speaks_) return;
  clear_bar();
  show(line + "\n");
}

void Telemetry::clear_bar() {
  if (bar_width_ == 0) return;
  show(fmt::format("\r{:{}}\r", "", bar_width_));
  bar_width_ = 0;
}

double Telemetry::epoch_at(std::int64_t step) const {
  return static_cast<double>(step) / static_cast<double>(length_.steps_per_epoch);
}

}  // namespace eightfold::runtime::telemetry
