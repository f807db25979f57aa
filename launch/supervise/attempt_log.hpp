#pragma once

// attempts.jsonl in the directory of a run: a line for each attempt of `eightfold launch`.

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
  std::vector<std::string> hosts;  // as the launcher was given them; may be empty
  int ranks = 1;
  std::vector<std::string> command;
  std::int64_t begun_at = 0;  // the step of the checkpoint from which it resumed; 0: the beginning
  std::int64_t left_at = 0;   // of the newest checkpoint after it
  double seconds = 0;
  process::ChildEnd end;
  std::string next;        // the decision of launch
  std::string cause = {};  // of its end, where more is known than its standard error tells

  // The cause of the failure, in one line.
  std::string error() const;
};

// The attempt as a JSON object, in one line.
std::string attempt_line(const Attempt& attempt);

class AttemptLog {
 public:
  // Opens the log of the run in this directory for this process alone: a second launch of the same run throws
  // EnvironmentError. An incomplete last line is cut off.
  explicit AttemptLog(const std::filesystem::path& run_directory);

  // The number of attempts before this process.
  int before() const noexcept { return before_; }
  void append(const Attempt& attempt) { file_.append(attempt_line(attempt)); }

 private:
  process::LineFile file_;
  int before_ = 0;
};

}  // namespace eightfold::launch::supervise
