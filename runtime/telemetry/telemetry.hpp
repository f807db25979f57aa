#pragma once

// The output of a run: lines and, on a terminal, a progress bar on standard output; records in metrics.jsonl;
// a trace. One object per rank. Only rank 0 prints and records; every rank sums its phases and may trace.

#include "runtime/config/job.hpp"
#include "runtime/health/rank_report.hpp"
#include "runtime/telemetry/phases.hpp"
#include "runtime/telemetry/trace.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>

namespace eightfold::runtime::telemetry {

// Losses and correct predictions over samples, summed over all ranks.
struct Score {
  double loss_sum = 0;
  double correct = 0;
  std::int64_t samples = 0;

  double loss() const { return loss_sum / static_cast<double>(samples); }
  double accuracy() const { return correct / static_cast<double>(samples); }
};

// A step that the guard (runtime/optim/guard.hpp) kept from the weights.
struct SkippedStep {
  std::int64_t step;  // from 1, as a run counts
  double norm;        // of the gradient
  std::string reason;
};

class Telemetry final : public base::Observer {
 public:
  // `run_directory` empty: no files.
  Telemetry(const config::Telemetry& config, config::RunLength length, std::filesystem::path run_directory,
            int rank);

  void on_span(const base::Span& span) noexcept override;

  // The run goes from `first_step` (0, or where it resumes) to the end of `length`.
  void begin(std::int64_t first_step);
  // The times of this rank's phases since the last call.
  Phases take_phases();
  // The same since the last call of this one: the ranks are compared more often than a run reports.
  Phases take_pace() { return pace_.take(); }
  // Steps (last interval's end, step] are done, with this score and learning rate at the end. `phases` are
  // this rank's; `ranks` are the reports of all ranks, on rank 0.
  void interval(std::int64_t step, const Phases& phases, const Score& score, double learning_rate,
                std::span<const health::RankReport> ranks);
  // The guard has skipped a step.
  void skipped(const SkippedStep& step);
  // A step is done: moves the progress bar, where there is one.
  void progress(std::int64_t step);
  void evaluation(std::int64_t step, const Score& score);
  // By bucket: the squared error of the sums since the last call over the squares of the sums.
  void exchange_error(std::int64_t step, std::span<const double> nmse);
  // It took `seconds` to write one, of which training stood still for `stall_s`.
  void checkpoint(std::int64_t step, const std::filesystem::path& directory, double seconds, double stall_s);
  void checkpoint_failure(std::int64_t step, const std::string& reason);
  // Prints the closing summary, which names the phase that bounded this run. Writes the trace.
  void end(std::int64_t step);

 private:
  void give_verdict(std::int64_t step);
  void write_trace() const;
  void open_metrics();
  void record(const nlohmann::json& json);
  void say(const std::string& line);
  void clear_bar();
  double epoch_at(std::int64_t step) const;

  config::Telemetry config_;
  config::RunLength length_;
  std::filesystem::path directory_;
  int rank_;
  bool speaks_;
  bool has_bar_;
  std::size_t bar_width_ = 0;
  base::TimePoint bar_drawn_;
  std::ofstream metrics_;
  std::int64_t lost_records_ = 0;  // since the last that could be written
  PhaseClock clock_, pace_;
  Phases total_;
  std::int64_t skipped_ = 0;  // steps
  std::unique_ptr<Trace> trace_;
  std::int64_t first_step_ = 0;
  base::TimePoint began_;
};

}  // namespace eightfold::runtime::telemetry
