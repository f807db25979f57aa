// eightfold train
#include "runtime/run/train.hpp"

#include "comm/mpi/agreed_error.hpp"
#include "kernels/base/clock.hpp"
#include "kernels/base/file.hpp"
#include "kernels/base/flight_record.hpp"
#include "kernels/base/log.hpp"
#include "kernels/base/owner_file.hpp"
#include "launch/command/job.hpp"
#include "launch/command/result.hpp"
#include "launch/commands.hpp"
#include "runtime/checkpoint/data_file.hpp"
#include "runtime/checkpoint/store.hpp"
#include "runtime/job/parse.hpp"
#include "runtime/job/show.hpp"
#include "runtime/run/run_directory.hpp"
#include "runtime/watchdog/watchdog.hpp"

#include <fmt/ranges.h>

#include <array>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <thread>

namespace eightfold::launch {
namespace {

namespace fs = std::filesystem;
using runtime::config::JobConfig;
using runtime::data::TrainingFacts;

struct TrainOptions {
  command::JobOptions job;
  command::Option resume;
  fs::path resume_from;    // empty: the job's newest run, or the one in run_directory
  fs::path run_directory;  // empty: a fresh one
  fs::path json;
};

// Where a run starts: fresh, or from a checkpoint.
struct Start {
  fs::path run_directory;
  std::unique_ptr<runtime::checkpoint::Store> store;  // where its own checkpoints go, as long as it runs
  std::optional<runtime::checkpoint::Found> checkpoint;
};

void require_same_training(const runtime::checkpoint::Found& found, const JobConfig& job) {
  const runtime::config::JobConfig saved = command::read_saved_job(found.directory).config;
  const std::vector<std::string> differences = runtime::job::differences(saved, job);
  if (!differences.empty())
    base::raise<base::ConfigError>("{} cannot be continued by another job; {}", found.directory.string(),
                                   fmt::join(differences, "; "));
}

// Weights, mean and deviation belong to the samples from which they were learnt.
void require_same_data(const runtime::checkpoint::Found& found, const JobConfig& job,
                       const TrainingFacts& now) {
  const std::optional<TrainingFacts> before = runtime::checkpoint::read_data(found);
  if (!before) {
    base::log_warn(
        "{}: an earlier version wrote it, without mean, deviation and fingerprint of its training data: they "
        "are those of the data that the job names now",
        found.directory.string());
    return;
  }
  const std::vector<std::string> differences = runtime::data::differences(*before, now);
  if (differences.empty()) return;
  if (!job.data.may_change || before->shape != now.shape)
    base::raise<base::ConfigError>(
        "{} was trained on other data; {}{}", found.directory.string(), fmt::join(differences, "; "),
        before->shape != now.shape ? "" : "; --set data.may_change=true goes on all the same");
  base::log_warn("going on with other data than {} was trained on, and with its mean and deviation; {}",
                 found.directory.string(), fmt::join(differences, "; "));
}

// The checkpoint of --resume, or the folder whose newest checkpoint is meant. Nothing without --resume, or if
// there is no run to resume.
std::optional<fs::path> find_source(const TrainOptions& options, const JobConfig& job) {
  if (!options.resume.is_given()) return std::nullopt;
  if (!options.resume_from.empty()) return runtime::run::checkpoints_at(options.resume_from);
  if (!job.checkpoint.dir.empty()) return job.checkpoint.dir;
  const std::optional<fs::path> run =
      options.run_directory.empty() ? runtime::run::newest_run(job) : options.run_directory;
  return run ? std::optional(runtime::run::checkpoint_store(job, *run)) : std::nullopt;
}

// A path that the user names must hold a checkpoint; the job's own folder may still be empty.
std::optional<runtime::checkpoint::Found> find_checkpoint(const TrainOptions& options, const JobConfig& job,
                                                          const std::optional<fs::path>& source,
                                                          const TrainingFacts& data) {
  std::optional<runtime::checkpoint::Found> found;
  if (source)
    found = options.resume_from.empty() ? runtime::checkpoint::newest(*source)
                                        : runtime::checkpoint::find(*source);
  if (found) {
    require_same_training(*found, job);
    require_same_data(*found, job, data);
    base::log_info("resuming from {} (step {})", found->directory.string(), found->manifest.step);
  } else if (options.resume.is_given()) {
    base::log_info("nothing to resume: no complete checkpoint of {} yet; starting from step 0", job.job.name);
  }
  return found;
}

// The run whose directory holds the checkpoint to resume from; empty if its checkpoints are kept elsewhere.
fs::path run_holding(const fs::path& source) {
  const bool is_checkpoint = runtime::checkpoint::has_manifest(source);
  return (is_checkpoint ? runtime::run::run_of(source) : runtime::run::run_with_store(source))
      .value_or(fs::path());
}

// The directory of --run-directory. It must not hold a run, except the run that is resumed.
void prepare_run_directory(const TrainOptions& options) {
  const bool goes_on = options.resume.is_given() && options.resume_from.empty();
  if (!goes_on && runtime::run::holds_run(options.run_directory))
    base::raise<base::ConfigError>(
        "--run-directory: {} holds a run already; go on with --resume or name another directory",
        options.run_directory.string());
  base::create_private_directories(options.run_directory / "log");
}

// Whether this is the folder of checkpoints, or one of them.
bool is_in(const fs::path& source, const fs::path& store) {
  std::error_code ignored;
  return fs::equivalent(source, store, ignored) || fs::equivalent(source.parent_path(), store, ignored);
}

// Locks the folder of checkpoints for this process. With --run-directory, which `launch` repeats at each
// attempt, a rank of an earlier attempt may still be ending on a host that is cut off: its lock is waited
// for.
std::unique_ptr<runtime::checkpoint::Store> own(const fs::path& store, bool is_new_attempt) {
  constexpr std::chrono::seconds kPatience{60};
  constexpr std::chrono::milliseconds kPause{500};
  const base::TimePoint end = base::Clock::now() + kPatience;
  for (bool is_said = false;; is_said = true) {
    try {
      return std::make_unique<runtime::checkpoint::Store>(store);
    } catch (const base::InUseError& failure) {
      if (!is_new_attempt || base::Clock::now() > end) throw;
      if (!is_said) base::log_info("waiting up to {} s: {}", kPatience.count(), failure.what());
    }
    std::this_thread::sleep_for(kPause);
  }
}

void require_empty(const fs::path& store) {
  if (!runtime::checkpoint::list(store).empty())
    base::raise<base::ConfigError>(
        "checkpoint.dir: {} holds the checkpoints of an earlier run; go on with --resume or name another "
        "folder",
        store.string());
}

// A run resumes in its own directory, unless its checkpoints are kept elsewhere. The folder of checkpoints is
// locked before anything in it is read or written: another process might be about to write a newer one.
Start choose_start(const TrainOptions& options, const JobConfig& job, const TrainingFacts& data) {
  Start start{options.run_directory, nullptr, std::nullopt};
  const auto own_store = [&] {
    const bool is_new_attempt = !options.run_directory.empty() && options.resume.is_given();
    if (!start.store)
      start.store = own(runtime::run::checkpoint_store(job, start.run_directory), is_new_attempt);
  };
  const bool is_elsewhere = !job.checkpoint.dir.empty();
  // If checkpoints cannot be written, fail now and not after an hour.
  if (is_elsewhere && job.checkpoint.every >= 0) base::create_private_directories(job.checkpoint.dir);
  const std::optional<fs::path> source = find_source(options, job);
  // A run that resumes from elsewhere gets a directory of its own.
  const bool begins_store = is_elsewhere && !(source && is_in(*source, job.checkpoint.dir));
  if (start.run_directory.empty() && source && !begins_store) start.run_directory = run_holding(*source);
  if (is_elsewhere || !start.run_directory.empty()) own_store();
  start.checkpoint = find_checkpoint(options, job, source, data);
  if (begins_store || (is_elsewhere && !start.checkpoint)) {
    require_empty(job.checkpoint.dir);
    start.run_directory = options.run_directory;
  }
  if (!options.run_directory.empty()) prepare_run_directory(options);
  if (start.run_directory.empty()) start.run_directory = runtime::run::create_run_directory(job.job);
  own_store();
  return start;
}

// The part of rank 0's choice that every rank needs.
struct SharedStart {
  fs::path run_directory;
  bool resumes = false;
  std::int64_t first_step = 0;
};

SharedStart share_start(comm::mpi::Communicator& world, const Start& start) {
  std::string directory = start.run_directory.string();
  std::array<std::int64_t, 2> numbers = {start.checkpoint ? 1 : 0,
                                         start.checkpoint ? start.checkpoint->manifest.step : 0};
  world.broadcast_text(directory, 0);
  world.broadcast(std::as_writable_bytes(std::span(numbers)), 0);
  return {directory, numbers[0] != 0, numbers[1]};
}

void publish_result(const TrainOptions& options, const runtime::run::TrainResult& result,
                    const fs::path& run_directory, const runtime::run::RunFacts& facts) {
  const command::ResultRow row = {{"test_accuracy", result.test_accuracy},
                                  {"test_loss", result.test_loss},
                                  {"steps", result.steps},
                                  {"seconds", result.seconds},
                                  {"weight_hash", result.weight_hash},
                                  {"run_dir", run_directory.string()}};
  command::publish(options.json, runtime::run::environment_json(facts), {row});
}

// Moves this rank's flight record to the run directory, where other ranks can read it, if this host has that
// directory.
void start_watching(runtime::watchdog::Watchdog& watchdog, base::FlightRecorder& recorder,
                    const JobConfig& job, const fs::path& run_directory) {
  const fs::path flight = runtime::run::flight_directory(run_directory);
  try {
    recorder.keep_in(flight);
    watchdog.watch(job.watchdog, flight);
  } catch (const base::EnvironmentError& failure) {
    base::log_warn("{}; it stays in memory, and this rank knows of no other's", failure.what());
    watchdog.watch(job.watchdog, {});
  }
}

// Signals such as SIGUSR1 and SIGTERM ask for a checkpoint and an end.
std::shared_ptr<runtime::run::StopRequest> stop_on_signals(runtime::watchdog::Watchdog& watchdog) {
  auto stop = std::make_shared<runtime::run::StopRequest>();  // the handler may outlast the run
  watchdog.on_signal([stop](int signal) {
    const runtime::run::StopReason reason = runtime::run::reason_of(signal);
    if (stop->reason() == runtime::run::StopReason::none)
      base::log_info("{}: a checkpoint is written after this step, then the run stops", to_string(reason));
    stop->request(reason);
  });
  return stop;
}

void train(const TrainOptions& options, comm::mpi::Environment& environment,
           runtime::watchdog::Watchdog& watchdog) {
  comm::mpi::Communicator& world = environment.world();
  command::share_json_check(world, options.json);
  const JobConfig job = command::share_job(world, options.job);
  watchdog.watch(job.watchdog, {});
  const command::Placement placement = command::place_rank(world, job.job);
  const std::unique_ptr<runtime::run::Session> session = command::plan_session(world, job, placement.place);
  comm::mpi::run_agreed(world, [&] { runtime::job::check_warmup(job.schedule, session->length().steps); });

  Start start;
  comm::mpi::run_agreed(world, [&] {
    if (world.rank() != 0) return;
    start = choose_start(options, job, session->facts());
    base::open_log_file(start.run_directory / "log" / "rank-00000.log");
    runtime::run::create_flight_directory(start.run_directory);
    runtime::run::describe_run(start.run_directory, job, placement.facts);
  });
  const SharedStart shared = share_start(world, start);
  start_watching(watchdog, world.flight_recorder(), job, shared.run_directory);
  if (shared.resumes) {
    session->restore(world, start.checkpoint.value_or(runtime::checkpoint::Found{}),
                     runtime::run::Restored::everything);
  } else {
    session->initialize(world);
  }

  const auto stop = stop_on_signals(watchdog);
  const runtime::run::TrainResult result =
      runtime::run::train(*session, world,
                          {shared.run_directory, shared.first_step, stop.get(),
                           runtime::run::slurm_end_time(), start.store.get()});
  const bool has_stopped = result.stopped != runtime::run::StopReason::none;
  if (world.rank() == 0 && !has_stopped)
    publish_result(options, result, start.run_directory, placement.facts);
  if (result.unsaved) throw comm::mpi::AgreedError(base::ExitCode::environment, *result.unsaved);
  if (has_stopped)
    throw comm::mpi::AgreedError(
        base::ExitCode::requeue,
        fmt::format("stopped by {} after step {}, with a checkpoint: --resume goes on from there",
                    to_string(result.stopped), result.steps));
}

}  // namespace

void add_train(const command::Command& program, command::Action& chosen) {
  auto options = std::make_shared<TrainOptions>();
  const command::Command command = program.add_command("train", "Train the network a job describes");
  command.footer(
      "Start it under mpirun, one rank per GPU or group of cores:\n"
      "  mpirun -np 2 eightfold train configs/jobs/digits-convnet.toml\n"
      "Results go to <job.run_dir>/<job.name>/<time>/. The last line on standard output is `result ...`.");
  options->job.add_to(command);
  options->resume =
      command
          .add_option("--resume", options->resume_from,
                      "Go on from a checkpoint: a run directory, a checkpoint, or (without PATH) the "
                      "newest run of this job")
          .type_name("[PATH]")
          .optional_value();
  command
      .add_option(
          "--run-directory", options->run_directory,
          "The directory of this run, instead of a fresh one; with --resume (without PATH), of the run "
          "that goes on")
      .type_name("DIR");
  command::add_json_option(command, options->json);
  command.callback([&chosen, options] {
    chosen = [options] {
      base::FlightRecorder recorder;
      runtime::watchdog::Watchdog watchdog(
          recorder);  // before MPI starts threads, which inherit the blocked signals
      command::select_device_before_mpi([&] { return command::known_device(options->job); });
      return command::with_ranks(
          recorder, [&](comm::mpi::Environment& environment) { train(*options, environment, watchdog); });
    };
  });
}

}  // namespace eightfold::launch
