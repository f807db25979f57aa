#pragma once

// A table of the program's messages about faults. A row has the fault, the command, the exit code, and words
// of the one line that the program must print. No other line may look like an error, and a refused run leaves
// no files. The table is printed, so that it can be read as documentation.

#include "tests/launch/program.hpp"
#include "tests/support/scratch.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace eightfold::test {

using Words = std::vector<std::string>;
using Preparation = std::function<void(const Scratch&)>;

// Every row starts in a fresh directory with job.toml, the tiny job, and then prepares what is wrong.
struct Refusal {
  std::string wrong;
  Words arguments;
  int code;
  Words words;  // of the error line
  Preparation prepare = [](const Scratch&) {};
  int ranks = 0;             // 0: without mpirun
  bool leaves_runs = false;  // the run had begun when it failed
  std::map<std::string, std::string> environment = {};
};

// Runs, prints and checks every row.
void check_refusals(const std::vector<Refusal>& rows);

// Lines that announce an error, by whichever rank.
Words error_lines(const std::string& text);

// job.toml is this text; the tiny job with one text in place of another; the tiny job and more of it.
Preparation job(const std::string& text);
Preparation tiny_with(const std::string& before, const std::string& after);
Preparation tiny_and(const std::string& more);

// The arguments of a training with one key changed.
Words train_with(const std::string& assignment);

}  // namespace eightfold::test
