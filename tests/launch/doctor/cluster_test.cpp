// eightfold doctor --cluster, --prove and --bench, under mpirun.
#include "tests/launch/program.hpp"
#include "tests/runtime/doctor/node.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

using namespace eightfold::test;

namespace {

// A rank on each of two nodes made of files. A shell tells the ranks apart: the mpirun of Open MPI 5.0.7
// crashes when it is to start two programs.
Command on_nodes(const Node& one, const Node& other, const Scratch& scratch) {
  Command command = program({"doctor", "--cluster", "--json", "c.json"}, 2, scratch.path(),
                            {{"ROOT_0", one.root()},
                             {"LIBRARIES_0", one.libraries()},
                             {"ROOT_1", other.root()},
                             {"LIBRARIES_1", other.libraries()}});
  const std::vector<std::string> shell = {"sh", "-c",
                                          R"(eval "exec \"\$0\" \"\$@\" --root \$ROOT_$OMPI_COMM_WORLD_RANK)"
                                          R"( --libraries \$LIBRARIES_$OMPI_COMM_WORLD_RANK")"};
  command.arguments.insert(command.arguments.begin() + 3, shell.begin(), shell.end());  // behind mpirun -np 2
  return command;
}

}  // namespace

TEST_CASE("doctor shows of a cluster what fails and what differs, and nothing else") {
  const Scratch scratch;
  const Node one, other;
  other.write("/proc/sys/kernel/hostname", "node2\n");
  Finished finished = run(on_nodes(one, other, scratch));
  INFO(finished.out << finished.err);
  CHECK(finished.status == 0);
  CHECK(lines_with(finished.out, "2 ranks on 2 hosts").size() == 1);
  CHECK(lines_with(finished.out, "46 checks on each rank and between them; nothing stands out").size() == 1);
  CHECK(lines_with(finished.out, "PASS").empty());
  CHECK(lines_with(finished.out, "path: direct").size() == 1);

  other.write("/proc/self/limits", "Max locked memory         65536   65536   bytes\n");
  finished = run(on_nodes(one, other, scratch));
  INFO(finished.out << finished.err);
  CHECK(finished.status == 3);
  CHECK(lines_with(finished.out, "FAIL    memlock [node2] ").size() == 1);
  CHECK(lines_with(finished.out, "PASS    memlock [node1] ").size() == 1);
  CHECK(lines_with(finished.out, "[").size() == 2);
  const auto file = nlohmann::json::parse(contents_of(scratch / "c.json"));
  CHECK(file.at("rows").at(1).at("id") == "memlock");
  CHECK(file.at("rows").at(1).at("ranks") == nlohmann::json{1});
  CHECK(file.at("rows").back().at("id") == "path");
  CHECK(file.at("environment").at("ranks") == 2);
}

TEST_CASE("doctor proves and measures what there is on this machine") {
  const Scratch scratch;
  const Finished finished =
      run(program({"doctor", "--prove", "--bench", "--json", "c.json"}, 2, scratch.path()));
  INFO(finished.out << finished.err);
  CHECK((finished.status == 0 || finished.status == 3));  // whatever this machine lacks
  CHECK(lines_with(finished.out, "# GB/s each way").size() == 1);
  CHECK(lines_with(finished.out, " two_shot ").size() == 6);
  CHECK(lines_with(finished.out, "transport [all 2 ranks]").size() == 1);
  const auto file = nlohmann::json::parse(contents_of(scratch / "c.json"));
  int pairs = 0, allreduces = 0;
  for (const auto& row : file.at("rows")) {
    pairs += row.at("id") == "pair" ? 1 : 0;
    allreduces += row.at("id") == "allreduce" ? 1 : 0;
    if (row.at("id") == "pair") CHECK(row.at("both_ways_gbytes_per_s").get<double>() > 0);
    if (row.at("id") == "allreduce") CHECK(row.at("wrong") == 0);
  }
  CHECK(pairs == 1);
  CHECK(allreduces == 9);
}

TEST_CASE("doctor does not start MPI where its launcher has left the processes alone") {
  const Scratch scratch;
  const Finished finished = run(program({"doctor", "--cluster"}, 0, scratch.path(),
                                        {{"SLURM_STEP_NUM_TASKS", "2"}, {"SLURM_PROCID", "1"}}));
  INFO(finished.out << finished.err);
  CHECK(finished.status == 3);
  CHECK(finished.out.starts_with("FAIL    launcher SLURM_STEP_NUM_TASKS = 2, PMIX_RANK = not set\n"));
  CHECK(lines_with(finished.out, "ranks on").empty());
}

TEST_CASE("doctor of a cluster refuses a root that is not there, in one line of one rank") {
  const Scratch scratch;
  const Finished finished = run(program({"doctor", "--cluster", "--root", "nothing"}, 2, scratch.path()));
  INFO(finished.out << finished.err);
  CHECK(finished.status == 2);
  CHECK(lines_with(finished.err, "error: ").size() == 1);
  CHECK(lines_with(finished.err, "nothing").size() == 1);
}
