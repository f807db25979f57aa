// Comparisons between the ranks of a job: what no rank can see alone.
#include "runtime/doctor/cluster.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace eightfold::runtime::doctor {
namespace {

using Ranks = std::span<const RankFindings>;

std::string name_of(Ranks ranks, std::size_t rank) {
  return fmt::format("rank {} on {}", rank, ranks[rank].host);
}

Finding check_program(Ranks ranks) {
  std::vector<Evidence> programs;
  std::set<std::string> seen;
  for (std::size_t rank = 0; rank < ranks.size(); ++rank)
    if (!ranks[rank].program.empty() && seen.insert(ranks[rank].program).second)
      programs.push_back({"/proc/self/exe of " + name_of(ranks, rank), ranks[rank].program});
  if (programs.empty()) return unknown({}, "The program's own file cannot be read.");
  if (programs.size() == 1) return pass(programs);
  return fail(programs,
              "The ranks run different programs: they wait for messages that the others never send.",
              "sha256sum $(which eightfold)   # on each node; then copy one of them to all");
}

// Open MPI and CUDA IPC tell nodes apart by their names.
Finding check_host_names(Ranks ranks) {
  std::map<std::string, std::set<std::string>> boots;
  for (const RankFindings& rank : ranks) boots[rank.host].insert(rank.boot);
  std::vector<Evidence> evidence;
  for (const auto& [host, machines] : boots)
    if (machines.size() > 1)
      evidence.push_back({"hostname", fmt::format("{}, of {} machines", host, machines.size())});
  if (evidence.empty()) return pass({{"hostname", fmt::format("{} different", boots.size())}});
  return fail(evidence,
              "Machines with one name pass for one: ranks try to share memory that they do not share.",
              "sudo hostnamectl set-hostname NAME");
}

// Containers of one machine, each with a rank, are not one node to CUDA and to shared memory.
Finding check_ipc_namespaces(Ranks ranks) {
  std::map<std::string, std::map<std::string, std::string>> seen;  // by machine: a name for each namespace
  for (std::size_t rank = 0; rank < ranks.size(); ++rank)
    if (!ranks[rank].ipc.empty()) seen[ranks[rank].boot].emplace(ranks[rank].ipc, name_of(ranks, rank));
  if (seen.empty()) return unknown({}, "The namespaces of the ranks cannot be read.");
  std::vector<Evidence> evidence;
  for (const auto& [machine, namespaces] : seen)
    if (namespaces.size() > 1)
      for (const auto& [name, where] : namespaces)
        evidence.push_back({"/proc/self/ns/ipc of " + where, name});
  if (evidence.empty()) return pass({{"/proc/self/ns/ipc", "one on each machine"}});
  return warn(
      evidence,
      "Ranks of one machine are in different containers: they share no memory, CUDA IPC does not work "
      "between them, and their messages take the network.",
      "docker run --ipc=host --pid=host ...");
}

Finding check_variables(Ranks ranks) {
  std::set<std::string> names;
  for (const RankFindings& rank : ranks)
    for (const auto& [name, value] : rank.variables) names.insert(name);
  std::vector<Evidence> evidence;
  std::vector<std::string> options;
  for (const std::string& name : names) {
    const auto value_at = [&](std::size_t rank) {
      const auto found = ranks[rank].variables.find(name);
      return found == ranks[rank].variables.end() ? std::string("not set") : found->second;
    };
    for (std::size_t rank = 1; rank < ranks.size(); ++rank) {
      if (value_at(rank) == value_at(0)) continue;
      evidence.push_back({name, fmt::format("{} on {}, {} on {}", value_at(0), name_of(ranks, 0),
                                            value_at(rank), name_of(ranks, rank))});
      options.push_back("-x " + name);
      break;
    }
  }
  if (evidence.empty())
    return pass({{"variables of MPI, UCX and NCCL", fmt::format("{} alike", names.size())}});
  return warn(evidence,
              "Ranks that are told different things may choose different ways to each other, and hang.",
              fmt::format("mpirun {} ...", fmt::join(options, " ")));
}

bool is_on_several_hosts(Ranks ranks) {
  return std::ranges::any_of(ranks,
                             [&](const RankFindings& rank) { return rank.host != ranks.front().host; });
}

Finding check_subnets(Ranks ranks) {
  if (!is_on_several_hosts(ranks)) return skip("all ranks are on one node");
  std::vector<std::string> common = ranks.front().subnets;
  for (const RankFindings& rank : ranks)
    std::erase_if(common, [&](const std::string& subnet) {
      return std::ranges::find(rank.subnets, subnet) == rank.subnets.end();
    });
  std::vector<Evidence> lone;
  std::set<std::pair<std::string, std::string>> seen;  // ranks of a node say the same
  for (const RankFindings& rank : ranks)
    for (const std::string& subnet : rank.subnets)
      if (std::ranges::find(common, subnet) == common.end() && seen.emplace(rank.host, subnet).second)
        lone.push_back({"/proc/net/route of " + rank.host, subnet});
  const auto is_told = [](const RankFindings& rank) {
    return rank.variables.contains("OMPI_MCA_btl_tcp_if_include") ||
           rank.variables.contains("OMPI_MCA_btl_tcp_if_exclude");
  };
  if (!common.empty() && (lone.empty() || std::ranges::all_of(ranks, is_told)))
    return pass({{"/proc/net/route", fmt::format("all nodes are in {}", fmt::join(common, ", "))}});
  if (common.empty())
    return warn(lone,
                "The nodes share no subnet: messages over TCP pass a router, and Open MPI may take addresses "
                "for unreachable and end with \"unable to reach\".",
                "mpirun --mca btl_tcp_if_include SUBNET,SUBNET ...");
  return warn(
      lone,
      "These subnets are not on all nodes. Open MPI tries addresses there too: jobs may hang at their "
      "start.",
      fmt::format("mpirun --mca btl_tcp_if_include {0} --mca oob_tcp_if_include {0} ...",
                  fmt::join(common, ",")));
}

Finding check_clocks(Ranks ranks) {
  constexpr double kTolerable_s = 1;
  std::vector<Evidence> all, far;
  for (std::size_t rank = 1; rank < ranks.size(); ++rank) {
    const std::optional<comm::mpi::ClockOffset>& clock = ranks[rank].clock;
    if (!clock) continue;
    const Evidence fact{
        "clock of " + ranks[rank].host,
        fmt::format("{:+.3f} s to rank 0's, to within {:.3f} ms", clock->ahead_s, 1e3 * clock->error_s)};
    (std::abs(clock->ahead_s) - clock->error_s > kTolerable_s ? far : all).push_back(fact);
  }
  if (!far.empty())
    return warn(far,
                "Logs of different nodes cannot be put in order, and file times on shared disks mislead.",
                "timedatectl status   # on each node; sudo systemctl enable --now chrony");
  return all.empty() ? skip("all ranks are on one node") : pass(all);
}

Finding check_ranks_per_node(Ranks ranks) {
  std::map<std::string, int> count;
  for (const RankFindings& rank : ranks) ++count[rank.host];
  const auto [least, most] =
      std::ranges::minmax_element(count, {}, [](const auto& each) { return each.second; });
  const std::vector<Evidence> evidence{{"ranks on " + least->first, fmt::format("{}", least->second)},
                                       {"ranks on " + most->first, fmt::format("{}", most->second)}};
  if (least->second == most->second) return pass({evidence.front()});
  return warn(
      evidence,
      "Ranks that share a node share its network: a step takes as long as on the fullest node, and only as "
      "many rails are used as the emptiest has ranks.",
      "mpirun --map-by ppr:N:node ...");
}

}  // namespace

std::vector<Diagnosis> compare_ranks(std::span<const RankFindings> ranks) {
  return {{"program", check_program(ranks)},
          {"host-names", check_host_names(ranks)},
          {"ipc-namespaces", check_ipc_namespaces(ranks)},
          {"variables", check_variables(ranks)},
          {"subnets", check_subnets(ranks)},
          {"clocks", check_clocks(ranks)},
          {"ranks-per-node", check_ranks_per_node(ranks)}};
}

}  // namespace eightfold::runtime::doctor
