#pragma once

// attempts.jsonl in the directory of a run: a line for every time that `eightfold launch` has started it.

#include "launch/process/child_process.hpp"
#include "launch/process/line_file.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace eightfold::launch::supervise {

struct Attempt {
  int number = 1;                  // from 1, over all calls of launch
  std::string date;                // of its start, UTC
  std::vector<std::string> hosts;  // as the launcher knows them; none where it was told none
  int ranks = 1;
  std::vector<std::string> command;
  std::int64_t begun_at = 0;  // the step of the checkpoint that it went on from; 0: the beginning
  std::int64_t left_at = 0;   // of the newest checkpoint after it
  double seconds = 0;
  process::ChildEnd end;
  std::string next;        // what launch has decided
  std::string cause = {};  // of its end, where more is known than its standard error tells

  // Why it failed, in a line.
  std::string error() const;
};

// As an object of JSON.
std::string attempt_line(const Attempt& attempt);

class AttemptLog {
 public:
  // Of the run in this directory. It is this process's until it goes: a second launch of the same run throws
  // EnvironmentError. A line that a crash has torn is cut off.
  explicit AttemptLog(const std::filesystem::path& run_directory);

  // How many there were before this process.
  int before() const noexcept { return before_; }
  void append(const Attempt& attempt) { file_.append(attempt_line(attempt)); }

 private:
  process::LineFile file_;
  int before_ = 0;
};

}  // namespace eightfold::launch::supervise
