#include "launch/process/wait_policy.hpp"

#include "kernels/base/core_set.hpp"
#include "kernels/base/cpu_quota.hpp"
#include "kernels/base/error.hpp"
#include "kernels/base/parse.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <optional>
#include <string_view>

namespace eightfold::launch::process {
namespace {

// Tells the restarted program that the policy is not the user's.
constexpr const char* kMark = "EIGHTFOLD_WAIT_POLICY_SET";

// 0: unknown.
int cores_of(pid_t process) {
  try {
    return base::allowed_cores(process).count();
  } catch (const base::LibraryError&) {
    return 0;
  }
}

// Open MPI gives the number; Slurm gives a list by node, "2(x3),1", of which the first entry stands for all.
int ranks_here() {
  for (const char* name : {"OMPI_COMM_WORLD_LOCAL_SIZE", "SLURM_STEP_TASKS_PER_NODE"}) {
    const char* text = std::getenv(name);
    const std::string_view words(text == nullptr ? "" : text);
    const auto ranks = base::parse_integer(words.substr(0, words.find_first_not_of("0123456789")));
    if (ranks && *ranks <= std::numeric_limits<int>::max()) return static_cast<int>(*ranks);
  }
  return 1;
}

}  // namespace

Surroundings surroundings() {
  Surroundings here{cores_of(0), cores_of(::getppid()), ranks_here(),
                    std::numeric_limits<double>::infinity()};
  for (const base::CpuQuota& quota : base::cpu_quotas())
    here.quota_cores = std::min(here.quota_cores, quota.cores);
  return here;
}

bool has_to_share(const Surroundings& here) {
  // The launcher's cores stand for those of the node. If the ranks have more than that together, they share
  // some.
  return here.quota_cores < here.cores || (here.ranks > 1 && std::int64_t{here.ranks} * here.cores >
                                                                 std::max(here.cores, here.launcher_cores));
}

void sleep_where_cores_are_shared(char** arguments) {
  if (std::getenv(kMark) != nullptr) {  // OpenMP has read the policy; child processes must not inherit it
    ::unsetenv("OMP_WAIT_POLICY");
    ::unsetenv(kMark);
    return;
  }
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  if (!has_to_share(surroundings())) return;
  std::error_code failure;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", failure);
  if (failure) return;
  ::setenv("OMP_WAIT_POLICY", "passive", 1);
  ::setenv(kMark, "1", 1);
  ::execv(program.c_str(), arguments);
  ::unsetenv("OMP_WAIT_POLICY");
  ::unsetenv(kMark);
}

}  // namespace eightfold::launch::process
