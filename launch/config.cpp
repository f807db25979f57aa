// eightfold config
#include "kernels/base/log.hpp"
#include "launch/command/job.hpp"
#include "launch/commands.hpp"
#include "runtime/config/errors.hpp"
#include "runtime/job/describe.hpp"
#include "runtime/job/parse.hpp"
#include "runtime/job/show.hpp"

#include <string>
#include <vector>

namespace eightfold::launch {
namespace {

struct ShowOptions {
  command::JobOptions job;
  bool resolved = true;
  bool origin = false;
};

// A line for each error.
base::ExitCode check(const command::JobOptions& options) {
  std::vector<std::string> errors;
  const base::ExitCode code = command::alone([&] {
    try {
      const auto job = command::read_job(options);
      if (const auto steps = runtime::job::known_steps(job.config))
        runtime::job::check_warmup(job.config.schedule, *steps);
      fmt::print("{}: ok, job {}\n", options.file.string(), job.config.job.name);
    } catch (const runtime::config::ConfigErrors& found) {
      errors = found.lines();
    }
  });
  for (const std::string& error : errors) base::log_error("{}", error);
  return errors.empty() ? code : base::ExitCode::usage;
}

void add_check(const command::Command& config, command::Action& chosen) {
  auto options = std::make_shared<command::JobOptions>();
  const command::Command command =
      config.add_command("check", "Check a job file: exit 0, or 2 with all that is wrong and where");
  options->add_to(command);
  command.callback([options, &chosen] { chosen = [options] { return check(*options); }; });
}

void show(const ShowOptions& options) {
  const auto job = command::read_job(options.job);
  fmt::print("{}", options.origin ? runtime::job::resolved_toml_with_origins(job)
                                  : runtime::job::resolved_toml(job.config));
}

void add_show(const command::Command& config, command::Action& chosen) {
  auto options = std::make_shared<ShowOptions>();
  const command::Command command = config.add_command("show", "Print a job with every default filled in");
  options->job.add_to(command);
  command.add_flag("--resolved", options->resolved, "With every default filled in (always so)");
  command.add_flag("--origin", options->origin, "Beside each value, where it comes from");
  command::run_alone(command, chosen, options, show);
}

void add_text(const command::Command& config, command::Action& chosen, const char* name, const char* help,
              std::string (*text)()) {
  config.add_command(name, help).callback([text, &chosen] {
    chosen = [text] { return command::alone([&] { fmt::print("{}", text()); }); };
  });
}

}  // namespace

void add_config(const command::Command& program, command::Action& chosen) {
  const command::Command command = program.add_command("config", "Check and explain job files");
  command.require_command();
  add_check(command, chosen);
  add_show(command, chosen);
  add_text(command, chosen, "docs", "Print the reference of all keys (docs/config.md)",
           runtime::job::config_markdown);
  add_text(command, chosen, "schema", "Print the JSON schema of job files, for editors",
           runtime::job::config_json_schema);
}

}  // namespace eightfold::launch
