#pragma once

// The file that an experiment's results are appended to, line by line.

#include "launch/process/line_file.hpp"
#include "runtime/scale/measurement.hpp"

#include <filesystem>
#include <vector>

namespace eightfold::launch::scale {

class ResultsFile {
 public:
  // Opens it, or makes it, for this process alone. Throws EnvironmentError.
  explicit ResultsFile(std::filesystem::path path);

  // What is there, once a last line without an end is cut off; says so. Throws DataError where the file holds
  // anything else, and leaves it as it is.
  std::vector<runtime::scale::Measurement> recover();
  void append(const runtime::scale::Measurement& measurement);

 private:
  process::LineFile file_;
};

}  // namespace eightfold::launch::scale
