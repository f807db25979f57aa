// eightfold data
#include "launch/command/command.hpp"
#include "launch/command/job.hpp"
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

void add_digits(const Command& data, Action& chosen) {
  auto options = std::make_shared<DigitsOptions>();
  const Command command = data.add_command("digits", "Write the generated digits as IDX files");
  command.add_option("directory", options->directory, "Where the four files go; made if it is not there")
      .required()
      .type_name("DIR");
  command.add_option("--seed", options->seed, "Another seed draws other digits").show_default();
  command.add_option("--train", options->train, "Training samples").show_default().in_range(1, 10000000);
  command.add_option("--test", options->test, "Test samples").show_default().in_range(1, 10000000);
  command.callback([options, &chosen] {
    chosen = [options] {
      return alone([&] {
        runtime::data::write_digits(options->directory, options->seed, options->train, options->test);
        fmt::print("{} training and {} test samples in {}\n", options->train, options->test,
                   options->directory.string());
      });
    };
  });
}

void add_info(const Command& data, Action& chosen) {
  auto options = std::make_shared<JobOptions>();
  const Command command = data.add_command("info", "Read a job's data and say what it is");
  options->add_to(command);
  command.callback([options, &chosen] {
    chosen = [options] {
      return alone([&] {
        const auto job = read_job(*options).config;
        fmt::print("{}", runtime::data::describe(
                             runtime::data::open(job.data, static_cast<std::uint64_t>(job.job.seed))));
      });
    };
  });
}

}  // namespace

void add_data(const Command& program, Action& chosen) {
  const Command command = program.add_command("data", "Make and inspect data sets");
  command.require_command();
  add_digits(command, chosen);
  add_info(command, chosen);
}

}  // namespace eightfold::launch
