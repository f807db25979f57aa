// eightfold doctor --cluster, --prove, --bench
#include "runtime/doctor/cluster.hpp"

#include "comm/mpi/agreed_error.hpp"
#include "comm/mpi/binding.hpp"
#include "comm/transport/direct_probe.hpp"
#include "kernels/base/counted.hpp"
#include "kernels/base/rate.hpp"
#include "launch/command/job.hpp"
#include "launch/doctor/bench.hpp"
#include "launch/doctor/doctor.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <set>

namespace eightfold::launch::doctor {
namespace {

namespace doctor = runtime::doctor;

using AllFindings = std::vector<doctor::RankFindings>;

// Whether a launcher started this process in a way that its MPI does not understand; prints that. Such a
// process must not start MPI: some libraries end it, others make it rank 0 of 1.
bool has_lost_its_launcher() {
  const doctor::Machine machine = look_at(doctor::Root(), doctor::Libraries::of_this_machine());
  for (const doctor::Check& check : doctor::all_checks()) {
    if (check.id != "launcher") continue;
    const doctor::Diagnosis diagnosis = examine(check, machine);
    if (diagnosis.finding.status != doctor::Status::fail) return false;
    fmt::print("{}", report(diagnosis));
    command::flush_output();
    return true;
  }
  return false;
}

// By rank, on rank 0. Collective.
AllFindings gather_findings(comm::mpi::Communicator& world, const DoctorOptions& options) {
  doctor::RankFindings mine;
  comm::mpi::run_agreed(world, [&] { mine = doctor::RankFindings::of(machine_of(options)); });
  const std::vector<std::optional<comm::mpi::ClockOffset>> clocks = clock_offsets(world);
  AllFindings all;
  for (const std::string& text : world.gather(mine.text(), 0)) {
    try {
      all.push_back(doctor::RankFindings::parse(text));
    } catch (const base::DataError&) {
      // Another version of the program may send other findings: the check `program` names the version.
      all.emplace_back().host = "unknown";
      all.back().program = "another version";
    }
    all.back().clock = clocks[all.size() - 1];
  }
  return all;
}

// Tries whether MPI sends the memory of GPUs. Collective.
doctor::Diagnosis prove(comm::mpi::Communicator& world, kernels::Device device) {
  const auto diagnosis = [](doctor::Finding finding) { return doctor::Diagnosis{"transport", finding}; };
  if (world.size() == 1) return diagnosis(doctor::skip("one rank has nobody to send to"));
  if (device.kind == kernels::DeviceKind::host)
    return diagnosis(doctor::skip("no GPU that this program can use: gradients are in the host's memory"));
  comm::transport::DirectProbe probe;
  probe.way_out = "`eightfold doctor --cluster` does without; a job, with --set exchange.transport=staged";
  comm::transport::TransportVerdict verdict = probe_direct(world, device, probe);
  leave_pending(verdict);
  const std::vector<doctor::Evidence> evidence{{std::string(to_string(verdict.kind)), verdict.reason}};
  if (verdict.kind == comm::transport::TransportKind::direct) return diagnosis(doctor::pass(evidence));
  return diagnosis(doctor::warn(
      evidence,
      "Gradients are staged through pinned memory of the host; GPUDirect and CUDA IPC are not used.",
      "launch/scripts/build_cuda_mpi.sh PREFIX"));
}

// On rank 0.
class Printer {
 public:
  explicit Printer(const AllFindings& all) : all_(all) {
    std::set<std::string> hosts;
    for (const doctor::RankFindings& each : all) hosts.insert(each.host);
    hosts_ = static_cast<int>(hosts.size());
    fmt::print("{} on {}\n", base::counted(all.size(), "rank"), base::counted(hosts_, "host"));
  }

  // Prints the most serious finding first; rows keep the order of the checks.
  void compared() {
    report_ = doctor::compare(all_);
    std::vector<const doctor::SharedDiagnosis*> urgent_first;
    for (const doctor::SharedDiagnosis& shared : report_.shown) {
      add_row(shared.diagnosis, shared.ranks);
      urgent_first.push_back(&shared);
    }
    std::ranges::stable_sort(urgent_first, std::ranges::greater(),
                             [](const auto* shared) { return shared->diagnosis.finding.status; });
    for (const auto* shared : urgent_first)
      fmt::print("{}", report(shared->diagnosis, where(all_, shared->ranks)));
  }
  void proven(const doctor::Diagnosis& diagnosis) {
    std::vector<int> everybody;
    for (std::size_t rank = 0; rank < all_.size(); ++rank) everybody.push_back(static_cast<int>(rank));
    add_row(diagnosis, everybody);
    fmt::print("{}", report(diagnosis, where(all_, everybody)));
  }
  // One for each way that ranks take.
  void paths(const std::optional<doctor::Diagnosis>& proof, std::optional<double> measured_gbytes_per_s) {
    std::vector<std::pair<std::string, std::vector<int>>> ways;
    for (std::size_t rank = 0; rank < all_.size(); ++rank) {
      doctor::DataPath path = all_[rank].path;
      if (proof && !proof->finding.evidence.empty()) {
        path.transport = proof->finding.evidence.front().path;
        path.reason = proof->finding.evidence.front().value;
      }
      std::string line = line_of(path);
      if (measured_gbytes_per_s)
        line += fmt::format(
            "; measured {} each way, both ways at once, from host to host memory between the slowest two "
            "nodes",
            base::format_rate(*measured_gbytes_per_s));
      auto way = std::ranges::find(ways, line, [](const auto& each) { return each.first; });
      if (way == ways.end()) way = ways.insert(ways.end(), {line, {}});
      way->second.push_back(static_cast<int>(rank));
      rows_.push_back(row_of(path));
      rows_.back()["rank"] = rank;
    }
    for (const auto& [line, ranks] : ways)
      fmt::print("{}{}\n", ways.size() > 1 ? fmt::format("[{}] ", where(all_, ranks)) : "", line);
  }
  void totals() const {
    fmt::print("{} checks on each rank and between them; {}\n", report_.checks,
               report_.shown.empty() && is_flawless_ ? "nothing stands out"
                                                     : "nothing else fails, or differs where it should not");
  }
  void add(const std::vector<command::ResultRow>& rows) {
    rows_.insert(rows_.end(), rows.begin(), rows.end());
  }

  int hosts() const { return hosts_; }
  const std::vector<command::ResultRow>& rows() const { return rows_; }
  bool has_failure() const { return has_failure_; }

 private:
  void add_row(const doctor::Diagnosis& diagnosis, const std::vector<int>& ranks) {
    rows_.push_back(row_of(diagnosis));
    rows_.back()["ranks"] = ranks;
    has_failure_ |= diagnosis.finding.status == doctor::Status::fail;
    is_flawless_ &= diagnosis.finding.status < doctor::Status::warn;
  }

  const AllFindings& all_;
  int hosts_ = 0;
  doctor::ClusterReport report_;
  std::vector<command::ResultRow> rows_;
  bool has_failure_ = false, is_flawless_ = true;
};

// The same verdict on every rank. Collective.
base::ExitCode diagnose_ranks(const DoctorOptions& options, comm::mpi::Communicator& world) {
  command::share_json_check(world, options.json);
  const AllFindings all = gather_findings(world, options);
  std::optional<Printer> printer;
  if (world.rank() == 0) printer.emplace(all).compared();
  kernels::Device device;
  if (options.prove || options.bench)
    comm::mpi::run_agreed(world, [&] { device = comm::mpi::bind_device(world, std::nullopt); });
  std::optional<doctor::Diagnosis> proof;
  if (options.prove) proof = prove(world, device);
  if (proof && printer) printer->proven(*proof);
  DoctorBench bench;
  if (options.bench && world.size() > 1) bench = bench_ranks(world, device);
  std::uint64_t failed = 0;
  if (printer) {
    printer->add(bench.rows);
    printer->paths(proof, bench.slowest_gbytes_per_s);
    printer->totals();
    command::write_result(options.json, environment_of(options, world.size(), printer->hosts()),
                          printer->rows());
    command::flush_output();
    failed = printer->has_failure() ? 1 : 0;
  }
  if (bench.wrong > 0)
    throw comm::mpi::AgreedError(base::ExitCode::divergence,
                                 fmt::format("{} elements are not what the reference computes", bench.wrong));
  world.broadcast(std::as_writable_bytes(std::span(&failed, 1)), 0);
  return failed != 0 ? base::ExitCode::environment : base::ExitCode::done;
}

}  // namespace

base::ExitCode diagnose_cluster(const DoctorOptions& options) {
  bool is_lost = false;
  const base::ExitCode looked = command::alone([&] { is_lost = has_lost_its_launcher(); });
  if (looked != base::ExitCode::done) return looked;
  if (is_lost) return base::ExitCode::environment;
  using runtime::config::DeviceChoice;
  const bool may_use_gpu = options.prove || options.bench;
  command::select_device_before_mpi(
      [&] { return may_use_gpu ? DeviceChoice::automatic : DeviceChoice::host; });
  base::ExitCode verdict = base::ExitCode::done;
  const base::ExitCode code = command::with_ranks(
      [&](comm::mpi::Environment& environment) { verdict = diagnose_ranks(options, environment.world()); });
  return code == base::ExitCode::done ? verdict : code;
}

}  // namespace eightfold::launch::doctor
