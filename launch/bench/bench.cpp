// eightfold bench
#include "launch/bench/bench.hpp"

#include "comm/mpi/agreed_error.hpp"

#include <filesystem>

namespace eightfold::launch::bench {
namespace {

void run(Bench& bench, const std::filesystem::path& json, comm::mpi::Communicator& world) {
  command::share_json_check(world, json);
  comm::mpi::run_agreed(world, [&] { bench.plan(world); });
  const command::Placement placement = bench.place(world);
  const Figures figures = bench.measure(world, placement);
  if (world.rank() == 0)
    command::publish(json, runtime::run::environment_json(placement.facts), figures.rows);
  if (figures.wrong > 0)
    throw comm::mpi::AgreedError(
        base::ExitCode::divergence,
        fmt::format("{} elements are not what the reference computes", figures.wrong));
}

void add(const command::Command& parent, command::Action& chosen, const Descriptor& descriptor) {
  struct Call {
    std::unique_ptr<Bench> bench;
    std::filesystem::path json;
  };
  const auto call = std::make_shared<Call>(Call{descriptor.make(), {}});
  const command::Command command = parent.add_command(descriptor.name, descriptor.help);
  command.footer(descriptor.footer);
  call->bench->add_options(command);
  command::add_json_option(command, call->json);
  command.callback([&chosen, &descriptor, call] {
    chosen = [&descriptor, call] {
      descriptor.before_mpi();
      command::select_device_before_mpi([&] { return call->bench->known_device(); });
      return command::with_ranks(
          [&](comm::mpi::Environment& environment) { run(*call->bench, call->json, environment.world()); });
    };
  });
}

}  // namespace

void add_bench(const command::Command& program, command::Action& chosen) {
  const command::Command bench = program.add_command("bench", "Measure this machine");
  bench.require_command();
  for (const Descriptor* descriptor : kBenches) add(bench, chosen, *descriptor);
}

}  // namespace eightfold::launch::bench
