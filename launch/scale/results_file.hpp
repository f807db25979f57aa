#pragma once

// The file to which results of an experiment are appended, line by line.

#include "launch/process/line_file.hpp"
#include "runtime/scale/measurement.hpp"

#include <filesystem>
#include <vector>

namespace eightfold::launch::scale {

class ResultsFile {
 public:
  // Opens or makes the file for this process alone. Throws EnvironmentError.
  explicit ResultsFile(std::filesystem::path path);

  // Returns the measurements in the file. An incomplete last line is cut off, with a warning. Throws
  // DataError for any other damage, and leaves the file as it is.
  std::vector<runtime::scale::Measurement> recover();
  void append(const runtime::scale::Measurement& measurement);

 private:
  process::LineFile file_;
};

}  // namespace eightfold::launch::scale
