#include "runtime/run/saver.hpp"

#include "comm/mpi/agreed_error.hpp"
#include "kernels/base/log.hpp"
#include "runtime/checkpoint/data_file.hpp"
#include "runtime/job/show.hpp"
#include "runtime/run/residuals.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace eightfold::runtime::run {
namespace {

// An error of the machine may be gone at the next attempt. A defect ends the run.
bool may_pass(base::ExitCode code) {
  return code == base::ExitCode::environment;
}

void log_failure(std::int64_t step, const std::string& reason) {
  base::log_error("the checkpoint of step {} could not be written: {}; training goes on", step, reason);
}

// The newest checkpoint, for a message.
std::string newest_in(const std::filesystem::path& store) {
  try {
    const std::optional<checkpoint::Listed> newest = checkpoint::newest_listed(store);
    if (!newest) return "there is none";
    return fmt::format("the newest is {} (step {})", newest->directory.string(), newest->manifest->step);
  } catch (const base::EnvironmentError& error) {
    return error.what();
  }
}

}  // namespace

Saver::Saver(Session& session, comm::engine::Engine& engine, telemetry::Telemetry& telemetry,
             base::FlightRecorder& recorder, checkpoint::Store* store)
    : session_(session), engine_(engine), telemetry_(telemetry), recorder_(recorder), store_(store) {
  const config::Checkpoint& wanted = session.config().checkpoint;
  if (writes() && wanted.asynchronous && wanted.every >= 0)
    copy_.emplace(session.make_snapshot(Snapshot::Copies::of_all));
  if (const kernels::Tensor residual = session.residual(); !residual.is_absent())
    passing_ = {residual.device(), static_cast<std::size_t>(residual.elements())};
}

// The error that ends the run is printed after the stack is unwound. Until then the rank only waits for this
// checkpoint, and the watchdog must apply the deadline of checkpoints.
Saver::~Saver() {
  if (!is_writing()) return;
  base::log_warn("the run ends early, once the checkpoint that is being written is complete");
  recorder_.begin_phase(base::Phase::checkpoint, recorder_.read().step);
}

void Saver::save(std::int64_t step, const std::string& weight_hash) {
  engine_.run([&](comm::mpi::Communicator& communicator) { attempt(communicator, step, weight_hash); });
}

// A checkpoint has two halves. The first runs between two steps, on the engine, with all ranks. Rank 0 copies
// the state, and the residuals pass through it to its disk. A failure there is an agreed error. The second
// half runs on a thread of rank 0 while training goes on: write, read back, rename. Its failure is known to
// rank 0 alone, until the next attempt or finish() collects it.
void Saver::attempt(comm::mpi::Communicator& communicator, std::int64_t step,
                    const std::string& weight_hash) {
  const base::TimePoint start = base::Clock::now();
  std::unique_ptr<checkpoint::Draft> draft;
  if (is_writing())
    base::log_info("step {} waits: the checkpoint before its own is still being written", step);
  try {
    comm::mpi::run_agreed(communicator, [&] {
      if (!writes()) return;
      collect();
      draft = begin_draft(step, weight_hash);
    });
    save_residuals(communicator, session_.stream(), session_.residual(), passing_.span(), draft.get());
  } catch (const comm::mpi::AgreedError& error) {
    if (!may_pass(error.exit_code())) throw;
    draft.reset();
    if (!writes()) return;
    log_failure(step, error.what());
    conclude({step, {}, error.what(), 0});
    return;
  }
  const config::Checkpoint& wanted = session_.config().checkpoint;
  const bool waits = !wanted.asynchronous || wanted.every < 0;  // there is no copy
  if (writes())
    under_way_ = std::async(waits ? std::launch::deferred : std::launch::async, &Saver::write, this, step,
                            std::move(draft));
  stall_s_ = base::seconds_since(start);
  if (waits) comm::mpi::run_agreed(communicator, [&] { collect(); });
}

std::unique_ptr<checkpoint::Draft> Saver::begin_draft(std::int64_t step, const std::string& weight_hash) {
  base::require(store_ != nullptr, "rank 0 has no store for the checkpoint of step {}", step);
  // Without a copy of its own the saver uses the session's, and training waits until it is written.
  Snapshot& taken = copy_ ? *copy_ : session_.snapshot();
  taken.load_from_device(session_.stream());
  const auto ranks = static_cast<std::uint64_t>(session_.place().ranks);
  return std::make_unique<checkpoint::Draft>(
      *store_,
      checkpoint::Contents{step, session_.place().ranks, weight_hash, job::resolved_toml(session_.config()),
                           taken.weights(), taken.optimizer_state(), ranks * passing_.span().size_bytes(),
                           checkpoint::data_text(session_.facts())});
}

// In the background, unless training waits.
Saver::Outcome Saver::write(std::int64_t step, std::unique_ptr<checkpoint::Draft> draft) {
  const base::TimePoint start = base::Clock::now();
  try {
    const std::filesystem::path directory = draft->publish(session_.config().checkpoint.keep);
    const double seconds = base::seconds_since(start);
    longest_s_ = std::max(longest_s_.load(), seconds);
    return {step, directory, {}, seconds};
  } catch (const std::exception& error) {
    if (!may_pass(base::exit_code_of(error))) throw;
    log_failure(step, base::describe(error));
    return {step, {}, base::describe(error), base::seconds_since(start)};
  }
}

bool Saver::is_writing() const {
  return under_way_.valid() && under_way_.wait_for(std::chrono::seconds(0)) == std::future_status::timeout;
}

// Learns how the attempt under way ended; rethrows a defect.
void Saver::collect() {
  if (under_way_.valid()) conclude(under_way_.get());
}

void Saver::conclude(Outcome outcome) {
  last_ = std::move(outcome);
  if (last_.directory.empty()) {
    telemetry_.checkpoint_failure(last_.step, last_.reason);
  } else {
    telemetry_.checkpoint(last_.step, last_.directory, last_.seconds, stall_s_ + (copy_ ? 0 : last_.seconds));
  }
}

std::optional<std::string> Saver::finish() {
  std::string message;
  engine_.run([&](comm::mpi::Communicator& communicator) {
    comm::mpi::run_agreed(communicator, [&] {
      collect();
      if (!last_.reason.empty())
        message = fmt::format("the checkpoint of step {} could not be written: {}; {}", last_.step,
                              last_.reason, newest_in(store_->directory()));
    });
    communicator.broadcast_text(message, 0);
  });
  return message.empty() ? std::nullopt : std::optional(message);
}

}  // namespace eightfold::runtime::run
