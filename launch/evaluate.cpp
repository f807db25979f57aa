// eightfold evaluate
#include "comm/engine.hpp"
#include "launch/command.hpp"
#include "launch/job.hpp"
#include "launch/result.hpp"
#include "runtime/checkpoint/store.hpp"
#include "runtime/evaluation.hpp"

namespace eightfold::launch {
namespace {

struct EvaluateOptions {
  std::string path;
  std::vector<std::string> overrides;
  std::string json;
};

void evaluate(const EvaluateOptions& options, comm::Environment& environment) {
  comm::Communicator& world = environment.world();
  share_json_check(world, options.json);
  const base::TimePoint start = base::Clock::now();
  runtime::checkpoint::Found found;
  const runtime::config::JobConfig job = share_job(world, [&] {
    found = runtime::checkpoint::find(options.path);
    return read_job({(found.directory / runtime::checkpoint::kConfigFile).string(), options.overrides});
  });
  const Placement placement = place_rank(world, job.job);
  const std::unique_ptr<runtime::Session> session = plan_session(world, job, placement.place);
  session->restore(world, found, runtime::Restored::weights);
  comm::Engine engine(world);
  const runtime::telemetry::Score score = runtime::evaluate(*session, engine, found.manifest.step, nullptr);
  if (world.rank() != 0) return;
  const ResultRow row = {
      {"test_accuracy", score.accuracy()},
      {"test_loss", score.loss()},
      {"steps", found.manifest.step},
      {"seconds", base::seconds_since(start)},
      {"weight_hash", session->snapshot().weight_hash()},
      {"run_dir", runtime::run_of(found.directory).value_or(std::filesystem::path()).string()}};
  publish(options.json, runtime::environment_json(placement.facts), {row});
}

}  // namespace

void add_evaluate(const Command& program, Action& chosen) {
  auto options = std::make_shared<EvaluateOptions>();
  const Command command = program.add_command("evaluate", "Measure a checkpoint on its job's test data");
  command.add_option("checkpoint", options->path, "A checkpoint, or a run directory for its newest one")
      .required()
      .type_name("CHECKPOINT");
  command
      .add_option("--set", options->overrides,
                  "Override a key of the checkpoint's job, e.g. --set data.dir=/data/mnist")
      .type_name("KEY=VALUE")
      .repeatable();
  add_json_option(command, options->json);
  run_on_ranks(command, chosen, options, evaluate);
}

}  // namespace eightfold::launch
