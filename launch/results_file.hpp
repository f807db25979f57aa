#pragma once

// The file that an experiment's results are appended to, line by line, each on the disk before the next is
// begun: whatever ends the process, at most the line in progress is torn.

#include "runtime/scale/measurement.hpp"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace eightfold::launch {

class ResultsFile {
 public:
  // Opens it, or makes it, for this process alone. Throws EnvironmentError, also if another process has it
  // open like this.
  explicit ResultsFile(std::filesystem::path path);
  ~ResultsFile();
  ResultsFile(const ResultsFile&) = delete;  // owns a descriptor and a lock
  ResultsFile& operator=(const ResultsFile&) = delete;

  // What is there, once a last line without an end is cut off; says so. Throws DataError where the file holds
  // anything else, and leaves it as it is.
  std::vector<runtime::scale::Measurement> recover();
  void append(const runtime::scale::Measurement& measurement);

 private:
  std::filesystem::path path_;
  int descriptor_;
};

}  // namespace eightfold::launch
