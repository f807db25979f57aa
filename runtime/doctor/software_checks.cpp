// What moves the bytes, the MPI and the UCX that a job would load; how it was started; what shares the host's
// work out, OpenMP.
#include "kernels/base/parse.hpp"
#include "kernels/host_threads.hpp"
#include "runtime/doctor/check.hpp"
#include "runtime/doctor/gpudirect.hpp"
#include "runtime/doctor/limits.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>
#include <sstream>
#include <utility>

namespace eightfold::runtime::doctor {
namespace {

constexpr const char* kForeign = "libraries of another machine are not loaded; run the doctor there";
constexpr const char* kVersionCall = ": MPI_Get_library_version";

Finding check_build(const Machine& machine) {
  if (!machine.has_gpus()) return skip("no NVIDIA GPU on the PCI bus");
  if (!machine.built_with_cuda) return skip("another machine may have another build of eightfold");
  const Evidence fact{"eightfold --version", *machine.built_with_cuda ? "with CUDA" : "without CUDA"};
  if (*machine.built_with_cuda) return pass({fact});
  return warn({fact}, "Jobs run on the host; `device = \"cuda\"` ends with code 3.",
              "cmake --preset cuda && cmake --build --preset cuda");
}

Finding check_mpi(const Machine& machine) {
  if (!machine.libraries.askable()) return skip(kForeign);
  const MpiFacts mpi = machine.libraries.mpi();
  if (!mpi.source.loaded())
    return fail({{"MPI", mpi.source.problem}}, "No job starts without it.", "launch/scripts/setup.sh");
  return pass({{mpi.source.path + kVersionCall, mpi.version}});
}

Finding check_mpi_cuda(const Machine& machine) {
  if (!machine.has_gpus()) return skip("no NVIDIA GPU on the PCI bus");
  if (!machine.libraries.askable()) return skip(kForeign);
  const MpiFacts mpi = machine.libraries.mpi();
  const std::string question = mpi.source.path + ": MPIX_Query_cuda_support";
  if (!mpi.claims_cuda)
    return unknown({{question, "not there"}}, "This MPI has no word for whether it takes device memory.");
  if (*mpi.claims_cuda) return pass({{question, "1, which a job still has it prove"}});
  return warn(
      {{question, "0"}},
      "This MPI was built without CUDA: gradients are staged through pinned memory of the host, GPUDirect "
      "is not used.",
      "launch/scripts/build_cuda_mpi.sh PREFIX");
}

bool is_older(const std::string& version, int major, int minor) {
  int found_major = 0, found_minor = 0;
  char dot = 0;
  std::istringstream text(version);
  return text >> found_major >> dot >> found_minor &&
         std::pair(found_major, found_minor) < std::pair(major, minor);
}

Finding check_ucx(const Machine& machine) {
  if (!machine.libraries.askable()) return skip(kForeign);
  const UcxFacts ucx = machine.libraries.ucx();
  if (!ucx.source.loaded()) {
    if (machine.nics.empty()) return skip("not loaded, and not needed: no adapter for RDMA");
    return warn({{"libucp.so.0", ucx.source.problem}}, "Without UCX, Open MPI reaches other nodes over TCP.",
                "sudo apt-get install libucx0");
  }
  const Evidence version{ucx.source.path + ": ucp_get_version_string", ucx.version};
  if (!ucx.components)
    return unknown({version}, "libuct.so.0 does not say which transports it has.", "ucx_info -d");
  const Evidence components{"uct_query_components", fmt::format("{}", fmt::join(*ucx.components, " "))};
  const bool knows_cuda = std::ranges::any_of(*ucx.components, [](const std::string& name) {
    return name.starts_with("cuda") || name == "gdr_copy";
  });
  if (wants_gpudirect(machine) && all_hold(peermem_conditions(machine)) != true &&
      is_older(ucx.version, 1, 14))
    return warn({version},
                "UCX uses dma-buf from 1.14 on, and nvidia-peermem is not loaded: GPUDirect RDMA stays off.",
                "launch/scripts/build_cuda_mpi.sh PREFIX");
  if (machine.has_gpus() && !knows_cuda)
    return warn(
        {version, components},
        "This UCX was built without CUDA, or could not load it: a device pointer given to it ends in a "
        "segmentation fault, and jobs stage through the host.",
        "launch/scripts/build_cuda_mpi.sh PREFIX");
  return pass({version, components});
}

Finding without_environment() {
  return unknown({{"/proc/self/environ", "not there"}}, "The variables of the process cannot be read.");
}

// What recognises memory of a GPU is cuda_copy; "cuda" stands for all of CUDA's.
bool names_cuda(const std::string& transports) {
  std::istringstream text(transports);
  for (std::string name; std::getline(text, name, ',');)
    if (name == "cuda" || name == "cuda_copy" || name == "all") return true;
  return false;
}

// UCX_TLS is a list of what is allowed, or after ^ of what is not.
Finding check_ucx_transports(const Machine& machine) {
  if (!machine.has_gpus()) return skip("no NVIDIA GPU on the PCI bus");
  if (!machine.environment) return without_environment();
  const std::string transports = machine.variable("UCX_TLS");
  if (transports.empty()) return pass({{"UCX_TLS", "not set"}});
  const bool excludes = transports.starts_with('^');
  const bool allowed = excludes ? !names_cuda(transports.substr(1)) : names_cuda(transports);
  if (allowed) return pass({{"UCX_TLS", transports}});
  return warn(
      {{"UCX_TLS", transports}},
      "UCX then does not recognise memory of a GPU and reads it as if it were the host's: a segmentation "
      "fault, or staging if the job finds out in time.",
      "unset UCX_TLS");
}

// Each launcher tells its processes how many they are, in its own words.
struct Launch {
  std::string variable;
  std::int64_t ranks = 1;
};
Launch launch_of(const Machine& machine) {
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"})
    if (const auto ranks = base::parse_integer(machine.variable(variable)); ranks && *ranks > 1)
      return {variable, *ranks};
  return {};
}

Finding check_launcher(const Machine& machine) {
  if (!machine.environment) return without_environment();
  const Launch launch = launch_of(machine);
  if (launch.ranks == 1) return skip("not started as one of several ranks");
  const Evidence started{launch.variable, fmt::format("{}", launch.ranks)};
  const char* const consequence =
      "Every process takes itself for rank 0 of 1: as many jobs that know nothing of each other.";
  if (launch.variable == "SLURM_STEP_NUM_TASKS") {
    // With a plugin for MPI, srun leaves these; without one a process cannot find the others.
    if (!machine.variable("PMIX_RANK").empty())
      return pass({started, {"PMIX_RANK", machine.variable("PMIX_RANK")}});
    return fail({started, {"PMIX_RANK", "not set"}}, consequence,
                "srun --mpi=pmix ...   # srun --mpi=list shows what there is");
  }
  if (!machine.libraries.askable()) return skip(kForeign);
  const MpiFacts mpi = machine.libraries.mpi();
  const Evidence library{mpi.source.path + kVersionCall, mpi.version};
  const bool open_mpi = mpi.version.find("Open MPI") != std::string::npos;
  if (launch.variable == "PMI_SIZE" && open_mpi && !machine.variable("SLURM_STEP_NUM_TASKS").empty())
    return unknown({started, library}, "Open MPI understands PMI2 of Slurm only if it was built with it.",
                   "srun --mpi=pmix ...");
  if (open_mpi != (launch.variable == "OMPI_COMM_WORLD_SIZE"))
    return fail({started, library}, std::string("mpirun and library are of different MPIs. ") + consequence,
                "which -a mpirun   # take the one that belongs to " + mpi.source.path);
  return pass({started, library});
}

// CUDA IPC needs that ranks of one node see each other's GPUs.
Finding check_visible_devices(const Machine& machine) {
  if (machine.gpus.size() < 2) return skip("fewer than two GPUs");
  if (!machine.environment) return without_environment();
  const std::string visible = machine.variable("CUDA_VISIBLE_DEVICES");
  const auto local = base::parse_integer(machine.variable("OMPI_COMM_WORLD_LOCAL_SIZE")).value_or(1);
  const Evidence fact{"CUDA_VISIBLE_DEVICES", visible.empty() ? "not set" : visible};
  const auto count = static_cast<std::size_t>(std::ranges::count(visible, ',')) + 1;
  if (visible.empty() || count > 1 || local == 1) return pass({fact});
  return warn(
      {fact, {"OMPI_COMM_WORLD_LOCAL_SIZE", fmt::format("{}", local)}},
      "Each rank sees one GPU only: CUDA IPC cannot open a neighbour's memory, and messages within the "
      "node take the way through the host.",
      "unset CUDA_VISIBLE_DEVICES   # ranks choose their GPUs by their number on the node");
}

// Streams of a process share the queues to its GPU; the program asks for all 32 unless the variable is set.
Finding check_device_queues(const Machine& machine) {
  constexpr const char* kVariable = "CUDA_DEVICE_MAX_CONNECTIONS";
  constexpr std::int64_t kEnough = 8;  // CUDA's default, and about as many as a rank has streams
  if (!machine.has_gpus()) return skip("no NVIDIA GPU on the PCI bus");
  if (!machine.environment) return without_environment();
  const std::string text = machine.variable(kVariable);
  if (text.empty()) return pass({{kVariable, "not set"}});
  const Launch launch = launch_of(machine);
  if (launch.ranks == 1 || base::parse_integer(text).value_or(0) >= kEnough) return pass({{kVariable, text}});
  return warn({{kVariable, text}, {launch.variable, fmt::format("{}", launch.ranks)}},
              "A rank has more streams than queues: encoding and copies for the exchange stand behind the "
              "computation that waits for them, and nothing of the exchange is hidden.",
              "unset CUDA_DEVICE_MAX_CONNECTIONS");
}

bool is_any_of(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char letter) { return std::tolower(letter); });
  return text;
}

// What follows from a variable of OpenMP; empty if nothing that matters here.
std::string consequence_of(const Machine& machine, const std::string& name, const std::string& value) {
  const std::string word = lower_case(value);
  if (kernels::limits_host_threads(name)) {
    const bool counts_levels = name.starts_with("OMP_MAX_ACTIVE_LEVELS");
    const auto limit = base::parse_integer(value);
    const auto cores = count_of_list(status_line(machine.root, "Cpus_allowed_list").value_or("none"));
    if (!limit || (counts_levels ? *limit > 0 : cores && *limit >= static_cast<std::int64_t>(*cores)))
      return {};
    return fmt::format("A rank computes with at most {} threads, whatever job.threads says. ",
                       counts_levels ? 1 : *limit);
  }
  if (name == "OMP_DYNAMIC" && is_any_of(word, {"true", "1"}))
    return "The number of threads, and with it the last bits of the weights, would follow the load of the "
           "machine: ranks turn OMP_DYNAMIC off. ";
  const bool binds = name == "OMP_PROC_BIND" || name == "OMP_PLACES" || name == "GOMP_CPU_AFFINITY";
  if (binds && word != "false" && lower_case(machine.variable("OMP_PROC_BIND")) != "false")
    return "OpenMP binds a rank to the first of its cores before it counts them: without job.threads it "
           "computes with one thread, ranks of a node may get the same core, and the engine shares it. ";
  const bool spins =
      (name == "OMP_WAIT_POLICY" && word == "active") || (name == "GOMP_SPINCOUNT" && word != "0");
  if (spins)
    return "Threads that wait take the time of others where cores are shared or their time is limited. ";
  return {};
}

// The variables of OpenMP's runtimes: GCC's, and LLVM's where it is loaded in its place.
Finding check_openmp(const Machine& machine) {
  if (!machine.environment) return without_environment();
  std::vector<Evidence> set, harmful;
  std::string consequences, fix = "unset";
  for (const auto& [name, value] : *machine.environment) {
    if (!name.starts_with("OMP_") && !name.starts_with("GOMP_") && !name.starts_with("KMP_")) continue;
    set.push_back({name, value});
    const std::string consequence = consequence_of(machine, name, value);
    if (consequence.empty()) continue;
    harmful.push_back(set.back());
    if (consequences.find(consequence) == std::string::npos) consequences += consequence;
    fix += " " + name;
  }
  if (set.empty()) return pass({{"OMP_*", "not set"}});
  if (harmful.empty()) return pass(set);
  consequences.pop_back();
  return warn(harmful, consequences, fix);
}

constexpr std::array kChecks{
    Check{"build", check_build, SeenEverywhere::alike},
    Check{"mpi", check_mpi, SeenEverywhere::alike},
    Check{"mpi-cuda", check_mpi_cuda, SeenEverywhere::alike},
    Check{"ucx", check_ucx, SeenEverywhere::alike},
    Check{"ucx-transports", check_ucx_transports, SeenEverywhere::alike},
    Check{"launcher", check_launcher},
    Check{"visible-devices", check_visible_devices},
    Check{"device-queues", check_device_queues, SeenEverywhere::alike},
    Check{"openmp", check_openmp},
};

}  // namespace

std::span<const Check> software_checks() {
  return kChecks;
}

}  // namespace eightfold::runtime::doctor
