#include "comm/mpi/binding.hpp"

#include "kernels/base/core_set.hpp"
#include "kernels/base/counted.hpp"
#include "kernels/base/cpu_quota.hpp"
#include "kernels/base/error.hpp"
#include "kernels/base/hash.hpp"
#include "kernels/base/log.hpp"
#include "kernels/base/parse.hpp"
#include "kernels/host_threads.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace eightfold::comm::mpi {

using kernels::Device;
using kernels::DeviceKind;

namespace {

// MPI starts once in a process, and so there is one such choice.
struct EarlyChoice {
  std::optional<Device> device;
  std::string reason = "no launcher has told the local rank";  // or why there is a device
};
EarlyChoice& early_choice() {
  static EarlyChoice choice;
  return choice;
}

// Open MPI's mpirun first: within a job of Slurm its ranks inherit the batch script's SLURM_LOCALID, too.
constexpr std::array kLocalRanks{"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID"};

// A control group with a quota, named by the kernel's number of its directory. All its members see the same
// number, under whatever path each sees the group.
std::uint64_t group_number(const base::CpuQuota& quota) {
  struct stat facts {};
  // Without it the path serves. Ranks that see the group by another path are then not counted.
  return ::stat(quota.group().c_str(), &facts) == 0
             ? facts.st_ino
             : base::hash64(std::as_bytes(std::span(quota.file.native())));
}

// For each of this rank's quotas, the number of ranks of this node that share it. Collective over the node.
std::vector<std::ptrdiff_t> ranks_under(Communicator& communicator,
                                        const std::vector<base::CpuQuota>& quotas) {
  std::vector<std::uint64_t> groups(quotas.size());
  std::ranges::transform(quotas, groups.begin(), group_number);
  const std::set<std::uint64_t> told(groups.begin(), groups.end());  // one may be mounted twice
  std::vector<std::ptrdiff_t> ranks(quotas.size(), 0);
  const std::uint64_t most = std::ranges::max(communicator.all_gather_on_node(told.size()));
  // Ranks tell their groups one by one, as the collective takes one number. A rank that has told all tells 0,
  // which is no group: no directory has that number.
  auto next = told.begin();
  for (std::uint64_t i = 0; i < most; ++i) {
    const auto each = communicator.all_gather_on_node(next == told.end() ? 0 : *next++);
    for (std::size_t mine = 0; mine < groups.size(); ++mine)
      ranks[mine] += std::ranges::count(each, groups[mine]);
  }
  return ranks;
}

// The cores this process may run on, divided by the ranks of its node that may run on exactly the same ones.
// 0 where the system does not tell. Collective over the node.
int fair_cores(Communicator& communicator) {
  base::CoreSet allowed;
  try {
    allowed = base::allowed_cores();
  } catch (const base::LibraryError& failure) {  // all ranks take part below, whatever they know
    base::log_warn(
        "{}: this rank counts as one with a single core; job.threads can say how many threads it is to have",
        failure.what());
  }
  const std::uint64_t mine = base::hash64(std::as_bytes(std::span(allowed.mask)));
  const auto masks = communicator.all_gather_on_node(mine);
  return allowed.count() / static_cast<int>(std::ranges::count(masks, mine));
}

}  // namespace

void select_device_before_mpi(std::optional<DeviceKind> kind) {
  if (kind == DeviceKind::host || !kernels::is_built_with(DeviceKind::cuda)) return;
  const auto variable = std::ranges::find_if(kLocalRanks, [](const char* name) { return std::getenv(name); });
  const auto local_rank =
      variable != kLocalRanks.end() ? base::parse_integer(std::getenv(*variable)) : std::nullopt;
  if (!local_rank || *local_rank < 0) return;
  EarlyChoice& choice = early_choice();
  try {
    const int gpus = kernels::device_count(DeviceKind::cuda);
    if (gpus == 0) return;
    const Device device{DeviceKind::cuda, static_cast<int>(*local_rank % gpus)};
    kernels::select_device(device);
    choice = {device, fmt::format("selected before MPI started ({}={})", *variable, *local_rank)};
  } catch (const std::exception& failure) {
    choice.reason = base::describe(failure);
  }
}

Device bind_device(const Communicator& communicator, std::optional<DeviceKind> kind) {
  // A job on the host does not care for a GPU that cannot be used.
  const int gpus = kind == DeviceKind::host ? 0 : kernels::device_count(DeviceKind::cuda);
  if (kind == DeviceKind::cuda && gpus == 0)
    base::raise<base::EnvironmentError>("job.device is cuda, but {} on {}; use --set job.device=host",
                                        kernels::is_built_with(DeviceKind::cuda)
                                            ? "no GPU is visible"
                                            : "this eightfold was built without CUDA",
                                        communicator.host());
  const EarlyChoice& early = early_choice();
  if (gpus == 0) {
    base::log_info("device: host ({})", kind == DeviceKind::host                   ? "as the job says"
                                        : kernels::is_built_with(DeviceKind::cuda) ? "no GPU is visible"
                                                                                   : "built without CUDA");
    if (early.device) base::log_info("device: {} stays idle, {}", to_string(*early.device), early.reason);
    return Device{};
  }
  const Device device{DeviceKind::cuda, communicator.local_rank() % gpus};
  kernels::select_device(device);
  base::log_info("device: {} of {} for local rank {} of {}; {}", to_string(device), gpus,
                 communicator.local_rank(), communicator.local_size(),
                 early.device ? early.reason : "not selected before MPI started: " + early.reason);
  if (early.device && *early.device != device)
    base::log_warn("device: {}, but {} was {}: MPI may use the network card of that GPU", to_string(device),
                   to_string(*early.device), early.reason);
  return device;
}

FairShare fair_host_threads(Communicator& communicator, int cores,
                            const std::vector<base::CpuQuota>& quotas) {
  FairShare share{std::max(1, cores), "the cores this rank may use, shared fairly"};
  const std::vector<std::ptrdiff_t> ranks = ranks_under(communicator, quotas);
  for (std::size_t i = 0; i < quotas.size(); ++i) {
    const double bought = quotas[i].cores / static_cast<double>(ranks[i]);
    if (bought >= share.threads) continue;
    // Rounded down. The kernel stops a group that has used up its time until the next period begins.
    share = {std::max(1, static_cast<int>(bought)),
             fmt::format("the time of {:.3g} cores in {}, shared fairly", quotas[i].cores,
                         quotas[i].file.string())};
  }
  return share;
}

// What OpenMP grants shows only when it is asked. So each rank asks for its share, all compare what they got,
// and those with more than the least ask again. Both times a refusal has to end all ranks.
int bind_host_threads(Communicator& communicator, int wanted) {
  const FairShare fair = fair_host_threads(communicator, fair_cores(communicator), base::cpu_quotas());
  const int asked = wanted > 0 ? wanted : fair.threads;
  int granted = 0;
  run_agreed(communicator, [&] { granted = kernels::set_host_threads(asked); });
  const auto grants = communicator.all_gather(static_cast<std::uint64_t>(granted));
  const auto least = std::ranges::min_element(grants);
  const auto threads = static_cast<int>(*least);
  const auto slowest = static_cast<std::size_t>(least - grants.begin());
  const bool is_limited = communicator.all_gather(static_cast<std::uint64_t>(asked))[slowest] != *least;
  if (is_limited && static_cast<int>(slowest) == communicator.rank()) {
    const std::string limits = kernels::host_thread_limits();
    base::log_warn("OpenMP grants {} of {}{}{}: every rank computes with {}", threads,
                   base::counted(asked, "host thread"), limits.empty() ? "" : ", ", limits, threads);
  }
  run_agreed(communicator, [&] {
    if (granted > threads && kernels::set_host_threads(threads) != threads)
      base::raise<base::EnvironmentError>("OpenMP grants {}, but not {}; set job.threads=1",
                                          base::counted(granted, "host thread"), threads);
  });
  base::log_info("{} on {}, {} each ({})", base::counted(communicator.size(), "rank"),
                 base::counted(communicator.node_count(), "node"), base::counted(threads, "host thread"),
                 is_limited         ? fmt::format("what OpenMP grants rank {}", slowest)
                 : wanted > 0       ? "as the job says"
                 : threads == asked ? fair.reason
                                    : fmt::format("the fair share of rank {}", slowest));
  return threads;
}

}  // namespace eightfold::comm::mpi
