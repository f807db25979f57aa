#pragma once

// The command line: a program with commands, and the options of each. CLI11 does the work. Only
// command_line.cpp includes it, because its header takes longer to compile than most sources here.

#include "kernels/base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace eightfold::launch::command {

// A view of one option. Each function below that changes it returns it, so that calls can be chained.
class Option {
 public:
  Option() = default;  // of no command, never given
  explicit Option(CLI::Option* option) : option_(option) {}

  Option required() const;
  // The value's name in the help, such as FILE.
  Option type_name(const std::string& name) const;
  // Shows the default in the help: call it while the variable has its default.
  Option show_default() const;
  // The value may be left out; then the variable stays as it is.
  Option optional_value() const;
  // The command line may not have the option `name` too.
  Option excludes(const std::string& name) const;

  // For vectors. One word of the command line may hold several values.
  Option comma_separated() const;
  // Takes one word each time; without this, all words up to the next option.
  Option one_word() const;
  // The same, and the help says that the option may be repeated.
  Option repeatable() const;

  // Checks of the value, or of each value of a vector, while the command line is read.
  Option in_range(std::int64_t least, std::int64_t most) const;
  Option positive() const;
  Option one_of(const std::vector<std::string>& values) const;
  Option existing_file() const;
  Option existing_directory() const;

  // Once the command line is read.
  bool is_given() const;

 private:
  CLI::Option* option_ = nullptr;
};

// A view of the program or of one of its commands.
class Command {
 public:
  explicit Command(CLI::App* command) : command_(command) {}

  Command add_command(const std::string& name, const std::string& help) const;
  // The command line must choose one of this command's subcommands.
  void require_command() const;
  // The last lines of the help.
  void footer(const std::string& text) const;
  // `action` runs when the command line has been read, if it chooses this command.
  void callback(std::function<void()> action) const;

  // Names with dashes are options, others are positional. The variable must live until the command line has
  // been read. Paths are expanded (kernels/base/path.hpp).
  Option add_option(const std::string& name, std::string& value, const std::string& help) const;
  Option add_option(const std::string& name, std::filesystem::path& value, const std::string& help) const;
  Option add_option(const std::string& name, int& value, const std::string& help) const;
  Option add_option(const std::string& name, std::int64_t& value, const std::string& help) const;
  Option add_option(const std::string& name, std::uint64_t& value, const std::string& help) const;
  Option add_option(const std::string& name, std::vector<std::string>& values, const std::string& help) const;
  Option add_option(const std::string& name, std::vector<std::filesystem::path>& values,
                    const std::string& help) const;
  Option add_option(const std::string& name, std::vector<int>& values, const std::string& help) const;
  void add_flag(const std::string& name, bool& value, const std::string& help) const;

 private:
  CLI::App* command_;
};

// Texts of the help of the program as a whole.
struct ProgramTexts {
  std::string name, description, footer;
  std::function<std::string()> version;
};

// The whole command line; views of its commands and options live as long.
class CommandLine {
 public:
  explicit CommandLine(const ProgramTexts& texts);
  ~CommandLine();

  Command program() const { return Command(program_.get()); }

  // Nothing if a command was chosen. Else the exit code: help, version or an error has been printed, an error
  // by the first rank alone.
  std::optional<base::ExitCode> parse(int argc, char** argv);

 private:
  std::unique_ptr<CLI::App> program_;
};

}  // namespace eightfold::launch::command
