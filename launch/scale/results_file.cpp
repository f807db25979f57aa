#include "launch/scale/results_file.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/file.hpp"
#include "kernels/base/log.hpp"

#include <utility>

namespace eightfold::launch::scale {

ResultsFile::ResultsFile(std::filesystem::path path)
    : file_(std::move(path), "scale run", base::Access::umask) {}

std::vector<runtime::scale::Measurement> ResultsFile::recover() {
  const std::filesystem::path& path = file_.path();
  const std::filesystem::path directory = base::follow_links(path).parent_path();
  base::sync_directory(directory.empty() ? std::filesystem::path(".") : directory);
  std::vector<runtime::scale::Measurement> measurements = runtime::scale::read_measurements(path);
  const std::string text = file_.text();
  const std::size_t complete = text.rfind('\n') + 1;  // 0 if no line is complete
  const std::string_view torn = std::string_view(text).substr(complete);
  if (torn.empty()) return measurements;
  const std::string_view start = runtime::scale::kMeasurementStart;
  if (torn.substr(0, start.size()) != start.substr(0, torn.size()))
    base::raise<base::DataError>("{}: the last line is no result of scale run", path.string());
  file_.cut(complete);
  base::log_warn("{}: the last line was torn, its {} bytes are cut off; what it was of is measured again",
                 path.string(), torn.size());
  return measurements;
}

void ResultsFile::append(const runtime::scale::Measurement& measurement) {
  file_.append(measurement_line(measurement));
}

}  // namespace eightfold::launch::scale
