// eightfold evaluate
#include "comm/engine/engine.hpp"
#include "comm/mpi/agreed_error.hpp"
#include "kernels/base/log.hpp"
#include "launch/command/job.hpp"
#include "launch/command/result.hpp"
#include "launch/commands.hpp"
#include "runtime/checkpoint/store.hpp"
#include "runtime/run/evaluation.hpp"

#include <cmath>
#include <memory>
#include <optional>

namespace eightfold::launch {
namespace {

struct EvaluateOptions {
  std::filesystem::path path;
  std::vector<std::string> overrides;
  std::filesystem::path json;
};

using runtime::checkpoint::Found;
using runtime::data::TrainingFacts;

// The session of a checkpoint that says what its training data taught needs no file but those of the test
// samples. Collective; errors are agreed.
std::unique_ptr<runtime::run::Session> plan_evaluation(comm::mpi::Communicator& world,
                                                       const runtime::config::JobConfig& job,
                                                       const runtime::run::RankPlace& place,
                                                       const Found& found) {
  const std::optional<TrainingFacts> facts = runtime::run::share_training_facts(world, found);
  if (!facts) {
    if (world.rank() == 0)
      base::log_warn(
          "{}: an earlier version wrote it, without mean and deviation of its training data: they are "
          "measured on the training data that the job names now",
          found.directory.string());
    return command::plan_session(world, job, place);
  }
  const auto open_data = [&] {
    return runtime::data::open_test(job.data, job.job.seed, facts->samples, facts->shape);
  };
  std::unique_ptr<runtime::run::Session> session =
      command::plan_session(world, job, place, open_data, &*facts);
  const auto& before = session->data().train;
  if (world.rank() == 0 && before && runtime::data::fingerprint(*before) != facts->fingerprint)
    base::log_warn(
        "the {} samples before the test samples are not those that {} was trained on; it may know some of "
        "the "
        "test samples",
        before->size(), found.directory.string());
  return session;
}

// Every rank has this score, and throws.
void require_finite(const runtime::telemetry::Score& score, runtime::run::Session& session,
                    std::int64_t steps) {
  if (std::isfinite(score.loss())) return;
  throw comm::mpi::AgreedError(
      base::ExitCode::divergence,
      fmt::format("the test loss is {} after step {}: {}",
                  std::isnan(score.loss()) ? "not a number" : "infinite", steps,
                  session.snapshot().weights_are_finite() ? "the network's values overflow on these samples"
                                                          : "some weights of the checkpoint are not finite"));
}

void evaluate(const EvaluateOptions& options, comm::mpi::Environment& environment) {
  comm::mpi::Communicator& world = environment.world();
  command::share_json_check(world, options.json);
  const base::TimePoint start = base::Clock::now();
  Found found;
  const runtime::config::JobConfig job = command::share_job(world, [&] {
    found = runtime::checkpoint::find(runtime::run::checkpoints_at(options.path));
    return command::read_saved_job(found.directory, options.overrides);
  });
  const command::Placement placement = command::place_rank(world, job.job);
  const std::unique_ptr<runtime::run::Session> session = plan_evaluation(world, job, placement.place, found);
  session->restore(world, found, runtime::run::Restored::weights);
  comm::engine::Engine engine(world, placement.place.device);
  const runtime::telemetry::Score score =
      runtime::run::evaluate(*session, engine, world.flight_recorder(), found.manifest.step);
  require_finite(score, *session, found.manifest.step);
  if (world.rank() != 0) return;
  const command::ResultRow row = {
      {"test_accuracy", score.accuracy()},
      {"test_loss", score.loss()},
      {"steps", found.manifest.step},
      {"seconds", base::seconds_since(start)},
      {"weight_hash", runtime::run::hash_text(session->snapshot().weight_hash())},
      {"run_dir", runtime::run::run_of(found.directory).value_or(std::filesystem::path()).string()}};
  command::publish(options.json, runtime::run::environment_json(placement.facts), {row});
}

}  // namespace

void add_evaluate(const command::Command& program, command::Action& chosen) {
  auto options = std::make_shared<EvaluateOptions>();
  const command::Command command =
      program.add_command("evaluate", "Measure a checkpoint on its job's test data");
  command
      .add_option(
          "checkpoint", options->path,
          "A checkpoint, or a run directory for its newest one, or a folder of runs for the newest run's")
      .required()
      .type_name("CHECKPOINT");
  command
      .add_option("--set", options->overrides,
                  "Override a key of the checkpoint's job, e.g. --set data.dir=/data/mnist")
      .type_name("KEY=VALUE")
      .repeatable();
  command::add_json_option(command, options->json);
  command.callback([&chosen, options] {
    chosen = [options] {
      command::select_device_before_mpi([&] { return command::known_device(options->overrides); });
      return command::with_ranks(
          [&](comm::mpi::Environment& environment) { evaluate(*options, environment); });
    };
  });
}

}  // namespace eightfold::launch
