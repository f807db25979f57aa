#include "tests/launch/program.hpp"

#include "tests/support/scratch.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <sstream>
#include <stdexcept>

namespace eightfold::test {
namespace {

// How the suite starts MPI programs, as CTest would set it (EightfoldTest.cmake).
std::map<std::string, std::string> mpi_environment() {
  std::map<std::string, std::string> variables;
  std::istringstream lines(EIGHTFOLD_MPI_ENVIRONMENT);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t equals = line.find('=');
    variables[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return variables;
}

// What the build knows, unless the environment says where it has been moved to.
std::string place(const char* variable, const char* built) {
  const char* moved = std::getenv(variable);
  return moved != nullptr ? moved : built;
}

}  // namespace

std::filesystem::path source_directory() {
  return place("EIGHTFOLD_SOURCE_DIR", EIGHTFOLD_SOURCE_DIR);
}

const std::string kTinyJob = R"(
[job]
name = "tiny"
epochs = 3
global_batch = 64
threads = 1
[data]
kind = "digits"
train = 640
test = 200
[[model.layer]]
kind = "linear"
out = 24
[[model.layer]]
kind = "relu"
[[model.layer]]
kind = "dropout"
rate = 0.3
[[model.layer]]
kind = "linear"
out = 10
)";

Command program(const std::vector<std::string>& arguments, int ranks, const std::filesystem::path& directory,
                const std::map<std::string, std::string>& variables) {
  Command command{{}, variables, directory};
  command.environment.merge(mpi_environment());
  if (ranks > 0)
    command.arguments = {place("EIGHTFOLD_MPIEXEC", EIGHTFOLD_MPIEXEC), "-np", std::to_string(ranks)};
  command.arguments.push_back(place("EIGHTFOLD_PROGRAM", EIGHTFOLD_PROGRAM));
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  return command;
}

Finished run_program(const std::vector<std::string>& arguments, int ranks,
                     const std::filesystem::path& directory,
                     const std::map<std::string, std::string>& variables) {
  Finished finished = run(program(arguments, ranks, directory, variables));
  if (finished.status != 0)
    throw std::runtime_error(fmt::format(
        "eightfold {} on {} ranks ended with {}{}\n{}\n{}", arguments.empty() ? "" : arguments[0], ranks,
        finished.status, finished.timed_out ? " (timed out)" : "", finished.out, finished.err));
  return finished;
}

std::map<std::string, std::string> result_of(const Finished& finished) {
  const std::size_t start = finished.out.rfind("result ");
  if (start == std::string::npos || finished.out.find('\n', start) != finished.out.size() - 1)
    throw std::runtime_error("the last line is no result:\n" + finished.out);
  std::map<std::string, std::string> values;
  std::istringstream words(finished.out.substr(start + 7));
  for (std::string word; words >> word;) {
    const std::size_t equals = word.find('=');
    values[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return values;
}

std::vector<std::string> lines_with(const std::string& text, const std::string& part) {
  std::vector<std::string> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.find(part) != std::string::npos) found.push_back(line);
  return found;
}

std::vector<nlohmann::json> records_of(const std::filesystem::path& run, const std::string& kind) {
  std::vector<nlohmann::json> records;
  std::istringstream lines(contents_of(run / "metrics.jsonl"));
  for (std::string line; std::getline(lines, line);)
    if (nlohmann::json record = nlohmann::json::parse(line); record.at("kind") == kind)
      records.push_back(std::move(record));
  return records;
}

}  // namespace eightfold::test
