// A job file; behind a zero byte one --set. A job that is accepted is also what its own resolved text says.
#include "kernels/base/error.hpp"
#include "runtime/job/parse.hpp"
#include "runtime/job/show.hpp"
#include "tests/fuzz/target.hpp"

#include <optional>
#include <string>
#include <vector>

namespace config = eightfold::runtime::config;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = eightfold::fuzz::text_of({data, size});
  const std::size_t end = text.find('\0');
  std::vector<std::string> overrides;
  if (end != std::string_view::npos) overrides.emplace_back(text.substr(end + 1));

  std::optional<eightfold::runtime::job::ParsedJob> job;
  const bool accepted = eightfold::fuzz::accepts(eightfold::fuzz::tree_of(size), [&] {
    job = eightfold::runtime::job::parse_job(text.substr(0, end), "job.toml", overrides);
  });
  if (!accepted) return 0;
  const std::string resolved = eightfold::runtime::job::resolved_toml(job->config);
  const eightfold::runtime::job::ParsedJob again = eightfold::runtime::job::parse_job(resolved, "resolved");
  eightfold::base::require(eightfold::runtime::job::resolved_toml(again.config) == resolved,
                           "{} is not what it says", resolved);
  return 0;
}
