#include "comm/baseline/baseline.hpp"

#include "comm/baseline/gloo_baseline.hpp"
#include "comm/baseline/mpi_baseline.hpp"
#include "kernels/base/error.hpp"

#include <fmt/ranges.h>

#include <functional>
#include <vector>

namespace eightfold::comm::baseline {
namespace {

struct Entry {
  std::string name;
  std::function<std::string()> unsupported_reason;
  std::function<std::unique_ptr<Baseline>(mpi::Communicator&, std::span<float>)> make;
};

Entry mpi_entry(std::string name, int algorithm) {
  return {std::move(name), [=] { return mpi_unsupported_reason(algorithm); },
          [=](mpi::Communicator& communicator, std::span<float> values) {
            return make_mpi_baseline(algorithm, communicator, values);
          }};
}

Entry gloo_entry(std::string name, GlooAlgorithm algorithm) {
  return {std::move(name), gloo_unsupported_reason,
          [=](mpi::Communicator& communicator, std::span<float> values) {
            return make_gloo_baseline(algorithm, communicator, values);
          }};
}

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = [] {
    std::vector<Entry> made{mpi_entry("mpi", 0)};
    for (int algorithm = 1; algorithm <= kMpiAlgorithms; ++algorithm)
      made.push_back(mpi_entry(fmt::format("mpi:{}", algorithm), algorithm));
    made.push_back(gloo_entry("gloo", GlooAlgorithm::ring));
    made.push_back(gloo_entry("gloo:halving_doubling", GlooAlgorithm::halving_doubling));
    return made;
  }();
  return all;
}

const Entry& entry(std::string_view name) {
  for (const Entry& each : entries())
    if (each.name == name) return each;
  base::raise<base::ConfigError>("there is no baseline \"{}\"; there are {}", name, baseline_names());
}

}  // namespace

bool is_baseline(std::string_view name) {
  for (const Entry& each : entries())
    if (each.name == name) return true;
  return false;
}

std::string baseline_names() {
  std::vector<std::string_view> names;
  for (const Entry& each : entries()) names.push_back(each.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string unsupported_reason(std::string_view name) {
  return entry(name).unsupported_reason();
}

std::unique_ptr<Baseline> make_baseline(std::string_view name, mpi::Communicator& communicator,
                                        std::span<float> values) {
  const Entry& chosen = entry(name);
  if (const std::string reason = chosen.unsupported_reason(); !reason.empty())
    base::raise<base::EnvironmentError>("{}: {}", name, reason);
  return chosen.make(communicator, values);
}

}  // namespace eightfold::comm::baseline
