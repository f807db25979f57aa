#include "runtime/doctor/cluster.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/hash.hpp"
#include "kernels/base/json.hpp"
#include "runtime/doctor/network.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <numeric>

namespace eightfold::runtime::doctor {
namespace {

using Json = nlohmann::json;

// A thousand hosts do not fit into a line.
constexpr std::size_t kHostsPerLine = 8;

// Launchers set more of their own, with another value for each rank.
bool steers_messages(const std::string& name) {
  constexpr std::array kFamilies{"OMPI_MCA_pml", "OMPI_MCA_btl",    "OMPI_MCA_mtl",  "OMPI_MCA_coll",
                                 "OMPI_MCA_oob", "OMPI_MCA_opal",   "OMPI_MCA_mpi_", "UCX_",
                                 "NCCL_",        "CUDA_MODULE",     "OMP_NUM",       "OMP_THREAD",
                                 "OMP_MAX",      "LD_LIBRARY_PATH", "LD_PRELOAD",    "EIGHTFOLD_"};
  return std::ranges::any_of(kFamilies, [&](const char* family) { return name.starts_with(family); });
}

std::string hash_of_program() {
  try {
    return base::hash_file("/proc/self/exe").substr(0, 12);
  } catch (const base::EnvironmentError&) {
    return {};
  }
}

std::string text_of(const std::vector<Evidence>& evidence, bool with_paths) {
  std::vector<std::string> facts;
  for (const Evidence& fact : evidence)
    facts.push_back(with_paths ? fmt::format("{} = {}", fact.path, fact.value) : fact.value);
  return fmt::format("{}", fmt::join(facts, ", "));
}

bool is_same(const Diagnosis& one, const Diagnosis& other) {
  return one.finding.status == other.finding.status && one.finding.consequence == other.finding.consequence &&
         one.finding.fix == other.finding.fix &&
         text_of(one.finding.evidence, true) == text_of(other.finding.evidence, true);
}

const Diagnosis* find(const RankFindings& rank, std::string_view id) {
  const auto found = std::ranges::find(rank.diagnoses, id, &Diagnosis::id);
  return found == rank.diagnoses.end() ? nullptr : &*found;
}

// What the ranks say to one check, the ranks that say the same together.
std::vector<SharedDiagnosis> answers_to(std::string_view id, std::span<const RankFindings> ranks) {
  std::vector<SharedDiagnosis> answers;
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    const Diagnosis* const mine = find(ranks[rank], id);
    if (mine == nullptr) continue;
    auto same =
        std::ranges::find_if(answers, [&](const auto& each) { return is_same(each.diagnosis, *mine); });
    if (same == answers.end()) same = answers.insert(answers.end(), {*mine, {}});
    same->ranks.push_back(static_cast<int>(rank));
  }
  return answers;
}

bool stands_out(const SharedDiagnosis& answer) {
  return answer.diagnosis.finding.status >= Status::warn;
}

// What should be the same on all nodes and is not; nothing if it is. A library may lie elsewhere: values
// count.
std::optional<SharedDiagnosis> difference(const std::vector<SharedDiagnosis>& answers,
                                          std::span<const RankFindings> ranks) {
  std::map<std::string, std::vector<int>> seen;
  for (const SharedDiagnosis& answer : answers) {
    std::vector<int>& same = seen[text_of(answer.diagnosis.finding.evidence, false)];
    same.insert(same.end(), answer.ranks.begin(), answer.ranks.end());
  }
  if (seen.size() < 2) return std::nullopt;
  std::vector<Evidence> evidence;
  for (auto& [value, same] : seen) {
    std::ranges::sort(same);
    evidence.push_back({where(ranks, same), value});
  }
  SharedDiagnosis shared{{answers.front().diagnosis.id,
                          warn(std::move(evidence),
                               "The nodes differ in this. Each is well by itself; together they are as fast "
                               "as the slowest, and versions that differ have not been tried together.",
                               "mpirun --host HOST,... eightfold train ...   # only nodes that are alike")},
                         std::vector<int>(ranks.size())};
  std::iota(shared.ranks.begin(), shared.ranks.end(), 0);
  return shared;
}

void show_check(const Check& check, std::span<const RankFindings> ranks,
                std::vector<SharedDiagnosis>& shown) {
  std::vector<SharedDiagnosis> answers = answers_to(check.id, ranks);
  const auto status = [](const SharedDiagnosis& answer) { return answer.diagnosis.finding.status; };
  const bool agree = std::ranges::all_of(
      answers, [&](const SharedDiagnosis& each) { return status(each) == status(answers.front()); });
  if (agree && check.evidence == SeenEverywhere::alike && !answers.empty() &&
      status(answers.front()) == Status::pass)
    if (std::optional<SharedDiagnosis> differing = difference(answers, ranks))
      shown.push_back(std::move(*differing));
  // Where the statuses agree and nothing is wrong, nothing is to be seen.
  for (SharedDiagnosis& answer : answers)
    if (!agree || stands_out(answer)) shown.push_back(std::move(answer));
}

}  // namespace

RankFindings RankFindings::of(const Machine& machine) {
  RankFindings findings;
  findings.host = printable(machine.root.read("/proc/sys/kernel/hostname").value_or("unknown"));
  findings.boot = machine.root.read("/proc/sys/kernel/random/boot_id").value_or("");
  findings.ipc = machine.root.link("/proc/self/ns/ipc").value_or("");
  if (machine.root.is_this_machine()) findings.program = hash_of_program();
  for (const auto& [name, value] : machine.environment.value_or(std::map<std::string, std::string>()))
    if (steers_messages(name)) findings.variables[name] = printable(value);
  for (const Interface& interface : interfaces_of(machine.root))
    if (!interface.bridge)
      findings.subnets.insert(findings.subnets.end(), interface.subnets.begin(), interface.subnets.end());
  findings.diagnoses = examine(machine);
  findings.path = expected_path(machine);
  return findings;
}

std::string RankFindings::text() const {
  Json rows = Json::array();
  for (const Diagnosis& each : diagnoses) {
    Json evidence = Json::array();
    for (const Evidence& fact : each.finding.evidence) evidence.push_back({fact.path, fact.value});
    rows.push_back({each.id, static_cast<int>(each.finding.status), evidence, each.finding.consequence,
                    each.finding.fix});
  }
  const Json way = {path.transport, path.reason, path.way, path.ceiling_gbytes_per_s.value_or(0)};
  return base::json_text(Json{{"host", host},
                              {"boot", boot},
                              {"ipc", ipc},
                              {"program", program},
                              {"variables", variables},
                              {"subnets", subnets},
                              {"path", way},
                              {"diagnoses", rows}});
}

RankFindings RankFindings::parse(const std::string& text) {
  try {
    const Json json = base::parse_json(text);
    const Json& way = json.at("path");
    RankFindings findings{json.at("host"),
                          json.at("boot"),
                          json.at("ipc"),
                          json.at("program"),
                          json.at("variables"),
                          json.at("subnets"),
                          {way.at(0), way.at(1), way.at(2), {}},
                          {},
                          {}};
    if (const double ceiling_gbytes_per_s = way.at(3); ceiling_gbytes_per_s > 0)
      findings.path.ceiling_gbytes_per_s = ceiling_gbytes_per_s;
    for (const Json& row : json.at("diagnoses")) {
      Finding finding{static_cast<Status>(row.at(1).get<int>()), {}, row.at(3), row.at(4)};
      for (const Json& fact : row.at(2)) finding.evidence.push_back({fact.at(0), fact.at(1)});
      findings.diagnoses.push_back({row.at(0), std::move(finding)});
    }
    return findings;
  } catch (const Json::exception& error) {
    base::raise<base::DataError>("the findings of a rank cannot be read: {}", error.what());
  }
}

ClusterReport compare(std::span<const RankFindings> ranks) {
  ClusterReport report;
  for (const Check& check : all_checks()) show_check(check, ranks, report.shown);
  std::vector<int> everybody(ranks.size());
  std::iota(everybody.begin(), everybody.end(), 0);
  const std::vector<Diagnosis> comparisons = compare_ranks(ranks);
  for (const Diagnosis& comparison : comparisons)
    if (SharedDiagnosis shared{comparison, everybody}; stands_out(shared)) report.shown.push_back(shared);
  report.checks = all_checks().size() + comparisons.size();
  return report;
}

std::string where(std::span<const RankFindings> all, std::span<const int> ranks) {
  if (all.size() == ranks.size()) return fmt::format("all {} ranks", all.size());
  std::vector<std::string> hosts;
  std::map<std::string, std::vector<int>> there, of_host;
  for (std::size_t rank = 0; rank < all.size(); ++rank)
    of_host[all[rank].host].push_back(static_cast<int>(rank));
  for (const int rank : ranks) there[all[static_cast<std::size_t>(rank)].host].push_back(rank);
  for (const auto& [host, mine] : there)
    hosts.push_back(mine == of_host[host] ? host : fmt::format("{} (rank {})", host, fmt::join(mine, ", ")));
  if (hosts.size() > kHostsPerLine) {
    const std::size_t more = hosts.size() - kHostsPerLine;
    hosts.resize(kHostsPerLine);
    hosts.push_back(fmt::format("{} more hosts", more));
  }
  return fmt::format("{}", fmt::join(hosts, ", "));
}

}  // namespace eightfold::runtime::doctor
