// eightfold data
#include "launch/command/job.hpp"
#include "launch/commands.hpp"
#include "runtime/data/digits.hpp"
#include "runtime/data/statistics.hpp"

namespace eightfold::launch {
namespace {

struct DigitsOptions {
  std::filesystem::path directory;
  std::uint64_t seed = 1;
  std::int64_t train = 20000;
  std::int64_t test = 4000;
};

void write_digits(const DigitsOptions& options) {
  runtime::data::write_digits(options.directory, options.seed, options.train, options.test);
  fmt::print("{} training and {} test samples in {}\n", options.train, options.test,
             options.directory.string());
}

void add_digits(const command::Command& data, command::Action& chosen) {
  auto options = std::make_shared<DigitsOptions>();
  const command::Command command = data.add_command("digits", "Write the generated digits as IDX files");
  command.add_option("directory", options->directory, "Where the four files go; made if it is not there")
      .required()
      .type_name("DIR");
  command.add_option("--seed", options->seed, "Another seed draws other digits").show_default();
  command.add_option("--train", options->train, "Training samples").show_default().in_range(1, 10000000);
  command.add_option("--test", options->test, "Test samples").show_default().in_range(1, 10000000);
  command::run_alone(command, chosen, options, write_digits);
}

void print_info(const command::JobOptions& options) {
  const auto job = command::read_job(options).config;
  fmt::print(
      "{}", runtime::data::describe(runtime::data::open(job.data, static_cast<std::uint64_t>(job.job.seed))));
}

void add_info(const command::Command& data, command::Action& chosen) {
  auto options = std::make_shared<command::JobOptions>();
  const command::Command command = data.add_command("info", "Read a job's data and say what it is");
  options->add_to(command);
  command::run_alone(command, chosen, options, print_info);
}

}  // namespace

void add_data(const command::Command& program, command::Action& chosen) {
  const command::Command command = program.add_command("data", "Make and inspect data sets");
  command.require_command();
  add_digits(command, chosen);
  add_info(command, chosen);
}

}  // namespace eightfold::launch
