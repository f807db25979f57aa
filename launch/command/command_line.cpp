#include "launch/command/command_line.hpp"

#include "kernels/base/path.hpp"
#include "launch/command/command.hpp"

#include <CLI/CLI.hpp>
#include <fmt/ranges.h>

#include <cstdlib>
#include <string_view>
#include <utility>

namespace eightfold::launch::command {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

// Every rank finds the same mistakes in the command line before MPI tells it its number. The variables of the
// launchers tell which rank is the first, so that one rank alone reports them.
bool is_first_rank() {
  for (const char* variable : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"})
    if (const char* rank = std::getenv(variable); rank != nullptr) return std::string_view(rank) == "0";
  return true;
}

std::string names_of(const std::vector<const CLI::App*>& commands) {
  Words names;
  for (const CLI::App* command : commands) names.push_back(command->get_name());
  return fmt::format("{}", fmt::join(names, ", "));
}

// Formatted as one line, like every other error.
std::string error_line(const CLI::App* program, const CLI::Error& error) {
  if (!is_first_rank()) return {};
  const CLI::App* command = program;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().back();
  const Words unknown = command->remaining();
  if (command->get_require_subcommand_min() > 0 && !unknown.empty())
    return fmt::format("error: {} does not know {}; its commands are {}\n", command->get_name(),
                       unknown.front(), names_of(command->get_subcommands({})));
  return fmt::format("error: {}; --help explains the commands\n", error.what());
}

// Runs before any other check of the value. A variable may be missing on the host of another rank; only the
// first rank reports one.
CLI::Option* as_path(CLI::Option* option) {
  const auto expand = [](std::string& text) {
    base::ExpandedPath expanded = base::expand_path(text);
    if (!expanded.problem.empty())
      return is_first_rank() ? fmt::format("{}: {}", text, expanded.problem) : std::string();
    text = std::move(expanded.path);
    return std::string();
  };
  return option->transform(CLI::Validator(expand, ""));
}

}  // namespace

Option Option::required() const {
  return Option(option_->required());
}

Option Option::type_name(const std::string& name) const {
  return Option(option_->type_name(name));
}

Option Option::show_default() const {
  return Option(option_->capture_default_str());
}

Option Option::optional_value() const {
  return Option(option_->expected(0, 1));
}

Option Option::excludes(const std::string& name) const {
  return Option(option_->excludes(name));
}

Option Option::comma_separated() const {
  return Option(option_->delimiter(','));
}

Option Option::one_word() const {
  return Option(option_->allow_extra_args(false));
}

Option Option::repeatable() const {
  return Option(option_->take_all()->allow_extra_args(false));
}

Option Option::in_range(std::int64_t least, std::int64_t most) const {
  const CLI::Range range(least, most);  // its words differ between versions
  const auto words_on = [range, least, most](const std::string& text) {
    return range(text).empty() ? std::string()
                               : fmt::format("Value {} not in range {} to {}", text, least, most);
  };
  return Option(option_->check(CLI::Validator(words_on, range.get_description())));
}

Option Option::positive() const {
  return Option(option_->check(CLI::PositiveNumber));
}

Option Option::one_of(const Words& values) const {
  return Option(option_->check(CLI::IsMember(values)));
}

Option Option::existing_file() const {
  return Option(option_->check(CLI::ExistingFile));
}

Option Option::existing_directory() const {
  return Option(option_->check(CLI::ExistingDirectory));
}

bool Option::is_given() const {
  return option_ != nullptr && option_->count() > 0;
}

Command Command::add_command(const std::string& name, const std::string& help) const {
  return Command(command_->add_subcommand(name, help));
}

void Command::require_command() const {
  command_->require_subcommand(1);
}

void Command::footer(const std::string& text) const {
  command_->footer(text);
}

void Command::callback(std::function<void()> action) const {
  command_->callback(std::move(action));
}

Option Command::add_option(const std::string& name, std::string& value, const std::string& help) const {
  return Option(command_->add_option(name, value, help));
}

Option Command::add_option(const std::string& name, fs::path& value, const std::string& help) const {
  CLI::Option* const option = as_path(command_->add_option(name, value, help));
  return Option(option->default_function([&value] { return value.string(); }));  // without quotes
}

Option Command::add_option(const std::string& name, int& value, const std::string& help) const {
  return Option(command_->add_option(name, value, help));
}

Option Command::add_option(const std::string& name, std::int64_t& value, const std::string& help) const {
  return Option(command_->add_option(name, value, help));
}

Option Command::add_option(const std::string& name, std::uint64_t& value, const std::string& help) const {
  return Option(command_->add_option(name, value, help));
}

Option Command::add_option(const std::string& name, Words& values, const std::string& help) const {
  return Option(command_->add_option(name, values, help));
}

Option Command::add_option(const std::string& name, std::vector<fs::path>& values,
                           const std::string& help) const {
  return Option(as_path(command_->add_option(name, values, help)));
}

Option Command::add_option(const std::string& name, std::vector<int>& values, const std::string& help) const {
  return Option(command_->add_option(name, values, help));
}

void Command::add_flag(const std::string& name, bool& value, const std::string& help) const {
  command_->add_flag(name, value, help);
}

CommandLine::CommandLine(const ProgramTexts& texts)
    : program_(std::make_unique<CLI::App>(texts.description, texts.name)) {
  program_->require_subcommand(1);
  program_->failure_message(error_line);
  program_->set_version_flag("--version", texts.version, "What this program was built from and with");
  program_->set_help_all_flag("--help-all", "Help of every command");
  program_->footer(texts.footer);
}

CommandLine::~CommandLine() = default;

std::optional<base::ExitCode> CommandLine::parse(int argc, char** argv) {
  try {
    program_->parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    const int code = program_->exit(error);  // prints help, version or what is wrong
    if (code == 0) return alone([] {});
    // A launcher ends a job at its first failure. The other ranks return success, or they could end the first
    // one before it has printed the error.
    return is_first_rank() ? base::ExitCode::usage : base::ExitCode::done;
  }
}

}  // namespace eightfold::launch::command
