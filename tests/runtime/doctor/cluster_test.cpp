// What stands out when the findings of several ranks are put together.
#include "runtime/doctor/cluster.hpp"

#include "kernels/base/error.hpp"
#include "tests/runtime/doctor/node.hpp"
#include "tests/support/test.hpp"

#include <algorithm>

namespace doctor = eightfold::runtime::doctor;
using doctor::Diagnosis;
using doctor::RankFindings;
using doctor::Status;
using eightfold::test::Node;
using eightfold::test::Setting;

namespace {

RankFindings findings_on(const Node& node) {
  return RankFindings::of(look_at(doctor::Root(node.root()), doctor::Libraries::in(node.libraries())));
}

void name_node(const Node& node, const std::string& host, const std::string& boot) {
  node.write("/proc/sys/kernel/hostname", host + "\n");
  node.write("/proc/sys/kernel/random/boot_id", boot + "\n");
}

// Ranks of healthy nodes, so many on each.
std::vector<RankFindings> cluster(int nodes, int ranks_per_node) {
  const Node node;
  std::vector<RankFindings> ranks;
  for (int number = 1; number <= nodes; ++number) {
    name_node(node, fmt::format("node{}", number), fmt::format("boot{}", number));
    for (int rank = 0; rank < ranks_per_node; ++rank) ranks.push_back(findings_on(node));
  }
  return ranks;
}

std::vector<std::string> ids_of(const doctor::ClusterReport& report) {
  std::vector<std::string> ids;
  for (const doctor::SharedDiagnosis& shared : report.shown) ids.push_back(shared.diagnosis.id);
  return ids;
}

doctor::Finding compared(const std::vector<RankFindings>& ranks, const std::string& id) {
  const std::vector<Diagnosis> all = compare_ranks(ranks);
  const auto found = std::ranges::find(all, id, &Diagnosis::id);
  REQUIRE(found != all.end());
  return found->finding;
}

using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE("of healthy nodes that are alike nothing stands out") {
  const doctor::ClusterReport report = doctor::compare(cluster(2, 2));
  CHECK(ids_of(report) == Ids{});
  CHECK(report.checks > 35);
  CHECK(ids_of(doctor::compare(cluster(1, 1))) == Ids{});
}

TEST_CASE("findings arrive as they were sent") {
  const Node node;
  node.write("/proc/self/environ", std::string("UCX_TLS=rc,cuda\0HOME=/root\0", 27));
  const RankFindings sent = findings_on(node), came = RankFindings::parse(sent.text());
  CHECK(came.text() == sent.text());
  CHECK(came.host == "node1");
  CHECK(came.boot == "b0a7-1");
  CHECK(came.variables == std::map<std::string, std::string>{{"UCX_TLS", "rc,cuda"}});
  CHECK(came.subnets == std::vector<std::string>{"10.0.0.0/16"});
  CHECK(came.path.ceiling_gbytes_per_s == sent.path.ceiling_gbytes_per_s);
  CHECK(came.diagnoses.size() == sent.diagnoses.size());
  CHECK_THROWS_AS(RankFindings::parse("{}"), eightfold::base::DataError);
  CHECK_THROWS_AS(RankFindings::parse("nothing"), eightfold::base::DataError);
}

TEST_CASE("what fails on one node is shown once, with the ranks that saw it, beside what the others saw") {
  std::vector<RankFindings> ranks = cluster(2, 2);
  const Node spoiled;
  name_node(spoiled, "node2", "boot2");
  spoiled.write("/sys/class/infiniband/mlx5_0/ports/1/sm_lid", "0x0\n");
  ranks[2] = ranks[3] = findings_on(spoiled);
  const doctor::ClusterReport report = doctor::compare(ranks);
  REQUIRE(ids_of(report) == Ids{"subnet-manager", "subnet-manager"});
  CHECK(report.shown[0].diagnosis.finding.status == Status::pass);
  CHECK(report.shown[0].ranks == std::vector<int>{0, 1});
  CHECK(report.shown[1].diagnosis.finding.status == Status::fail);
  CHECK(report.shown[1].ranks == std::vector<int>{2, 3});
}

TEST_CASE("versions that differ are warned of although each passes, and other evidence is not") {
  std::vector<RankFindings> ranks = cluster(2, 1);
  {
    const Setting version("FAKE_UCX_VERSION", "1.16.0");
    const Node node;
    name_node(node, "node2", "boot2");
    ranks[1] = findings_on(node);
  }
  const doctor::ClusterReport report = doctor::compare(ranks);
  REQUIRE(ids_of(report) == Ids{"ucx"});
  const doctor::Finding& finding = report.shown[0].diagnosis.finding;
  CHECK(finding.status == Status::warn);
  REQUIRE(finding.evidence.size() == 2);
  CHECK(finding.evidence[0].path == "node2");
  CHECK(finding.evidence[0].value.find("1.16.0") != std::string::npos);
  CHECK(finding.evidence[1].path == "node1");
  CHECK(finding.evidence[1].value.find("1.18.0") != std::string::npos);

  ranks = cluster(2, 1);
  for (Diagnosis& each : ranks[1].diagnoses)
    if (each.id == "shared-memory") each.finding.evidence[0].value = "something else";
  CHECK(ids_of(doctor::compare(ranks)) == Ids{});
}

TEST_CASE("ranks are told by their hosts, and by number where a host has others too") {
  const std::vector<RankFindings> ranks = cluster(2, 2);
  CHECK(where(ranks, std::vector<int>{0, 1, 2, 3}) == "all 4 ranks");
  CHECK(where(ranks, std::vector<int>{2, 3}) == "node2");
  CHECK(where(ranks, std::vector<int>{0, 1, 3}) == "node1, node2 (rank 3)");
  std::vector<RankFindings> many(20);
  std::vector<int> but_first;
  for (int rank = 0; rank < 20; ++rank)
    many[static_cast<std::size_t>(rank)].host = fmt::format("n{:02}", rank);
  for (int rank = 1; rank < 20; ++rank) but_first.push_back(rank);
  CHECK(where(many, but_first) == "n01, n02, n03, n04, n05, n06, n07, n08, 11 more hosts");
}

TEST_CASE("different programs fail") {
  std::vector<RankFindings> ranks = cluster(2, 1);
  CHECK(compared(ranks, "program").status == Status::unknown);  // of files nobody runs
  for (RankFindings& rank : ranks) rank.program = "aaaa";
  CHECK(compared(ranks, "program").status == Status::pass);
  ranks[1].program = "bbbb";
  const doctor::Finding finding = compared(ranks, "program");
  CHECK(finding.status == Status::fail);
  CHECK(finding.evidence.back().path == "/proc/self/exe of rank 1 on node2");
  CHECK_FALSE(finding.fix.empty());
}

TEST_CASE("two machines of one name fail") {
  std::vector<RankFindings> ranks = cluster(2, 2);
  CHECK(compared(ranks, "host-names").status == Status::pass);
  ranks[2].host = ranks[3].host = "node1";
  CHECK(compared(ranks, "host-names").status == Status::fail);
}

TEST_CASE("ranks of one machine in different containers are warned of") {
  std::vector<RankFindings> ranks = cluster(2, 2);
  CHECK(compared(ranks, "ipc-namespaces").status == Status::unknown);  // nodes made of files have none
  for (RankFindings& rank : ranks) rank.ipc = "ipc:[" + rank.boot + "]";
  CHECK(compared(ranks, "ipc-namespaces").status == Status::pass);
  ranks[3].ipc = "ipc:[7]";
  const doctor::Finding finding = compared(ranks, "ipc-namespaces");
  CHECK(finding.status == Status::warn);
  CHECK(finding.evidence.size() == 2);
}

TEST_CASE("variables that differ are warned of, each by name") {
  std::vector<RankFindings> ranks = cluster(2, 1);
  ranks[0].variables = {{"UCX_TLS", "rc,cuda"}, {"OMP_NUM_THREADS", "1"}};
  ranks[1].variables = {{"UCX_TLS", "tcp"}, {"OMP_NUM_THREADS", "1"}, {"NCCL_DEBUG", "INFO"}};
  const doctor::Finding finding = compared(ranks, "variables");
  CHECK(finding.status == Status::warn);
  REQUIRE(finding.evidence.size() == 2);
  CHECK(finding.evidence[0].value == "not set on rank 0 on node1, INFO on rank 1 on node2");
  CHECK(finding.fix == "mpirun -x NCCL_DEBUG -x UCX_TLS ...");
  ranks[1].variables = ranks[0].variables;
  CHECK(compared(ranks, "variables").status == Status::pass);
}

TEST_CASE("subnets that not all nodes have are warned of, unless Open MPI is told what to use") {
  CHECK(compared(cluster(1, 2), "subnets").status == Status::skip);
  std::vector<RankFindings> ranks = cluster(2, 1);
  CHECK(compared(ranks, "subnets").status == Status::pass);
  ranks[1].subnets.push_back("192.168.7.0/24");
  doctor::Finding finding = compared(ranks, "subnets");
  CHECK(finding.status == Status::warn);
  CHECK(finding.fix.find("btl_tcp_if_include 10.0.0.0/16") != std::string::npos);
  for (RankFindings& rank : ranks) rank.variables["OMPI_MCA_btl_tcp_if_include"] = "10.0.0.0/16";
  CHECK(compared(ranks, "subnets").status == Status::pass);
  ranks[1].subnets = {"10.1.0.0/16"};
  finding = compared(ranks, "subnets");
  CHECK(finding.status == Status::warn);
  CHECK(finding.consequence.find("no subnet") != std::string::npos);
}

TEST_CASE("clocks that are a second apart are warned of") {
  std::vector<RankFindings> ranks = cluster(2, 2);
  CHECK(compared(ranks, "clocks").status == Status::skip);
  ranks[2].clock = {.ahead_s = -0.4, .error_s = 1e-4};
  CHECK(compared(ranks, "clocks").status == Status::pass);
  ranks[2].clock = {.ahead_s = -3, .error_s = 1e-4};
  const doctor::Finding finding = compared(ranks, "clocks");
  CHECK(finding.status == Status::warn);
  CHECK(finding.evidence[0].value == "-3.000 s to rank 0's, to within 0.100 ms");
  ranks[2].clock = {.ahead_s = -3, .error_s = 2.5};  // an answer so slow says little
  CHECK(compared(ranks, "clocks").status == Status::pass);
}

TEST_CASE("ranks that are dealt out unevenly are warned of") {
  std::vector<RankFindings> ranks = cluster(2, 2);
  CHECK(compared(ranks, "ranks-per-node").status == Status::pass);
  ranks.pop_back();
  CHECK(compared(ranks, "ranks-per-node").status == Status::warn);
}
