#pragma once

// The eightfold program from outside: started with arguments, judged by its exit code, output and files. It
// is the one of this build. For a moved build (tests/gpu.sh), variables of the environment name program,
// mpirun and repository: EIGHTFOLD_PROGRAM, EIGHTFOLD_MPIEXEC and EIGHTFOLD_SOURCE_DIR.

#include "tests/support/process.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace eightfold::test {

// The repository.
std::filesystem::path source_directory();

// The command that starts it: the program itself with 0 ranks, mpirun with more. Relative paths start at
// `directory`; `variables` are added to its environment.
Command program(const std::vector<std::string>& arguments, int ranks, const std::filesystem::path& directory,
                const std::map<std::string, std::string>& variables = {});

// Runs it to its end; throws with all it said unless it ends with exit code 0.
Finished run_program(const std::vector<std::string>& arguments, int ranks,
                     const std::filesystem::path& directory,
                     const std::map<std::string, std::string>& variables = {});

// The keys and values of the line `result key=value ...`, the last on standard output. Throws if it is not.
std::map<std::string, std::string> result_of(const Finished& finished);

// The lines of a text that hold `part`.
std::vector<std::string> lines_with(const std::string& text, const std::string& part);

// The records of a run's metrics.jsonl that are of this kind.
std::vector<nlohmann::json> records_of(const std::filesystem::path& run, const std::string& kind);

// A job on few generated digits that takes well below a second: a network 784-24-10 with dropout, 64 samples
// a step, 10 steps an epoch.
extern const std::string kTinyJob;

}  // namespace eightfold::test
