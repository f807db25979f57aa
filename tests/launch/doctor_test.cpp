// eightfold doctor, on nodes made of files and on this machine.
#include "tests/launch/program.hpp"
#include "tests/runtime/doctor/node.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <sstream>

using namespace eightfold::test;

namespace {

Finished examine(const Node& node, const std::vector<std::string>& more, const Scratch& scratch,
                 const std::map<std::string, std::string>& variables = {}) {
  std::vector<std::string> arguments{"doctor", "--root", node.root(), "--libraries", node.libraries()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run(program(arguments, 0, scratch.path(), variables));
}

std::string last_line(const std::string& text) {
  std::istringstream stream(text);
  std::string line, last;
  while (std::getline(stream, line)) last = line;
  return last;
}

}  // namespace

TEST_CASE("doctor finds nothing wrong with a healthy node and says how fast it can exchange") {
  const Scratch scratch;
  const Node node;
  const Finished finished = examine(node, {"--json", "d.json"}, scratch);
  INFO(finished.out << finished.err);
  CHECK(finished.status == 0);
  CHECK(lines_with(finished.out, "FAIL").empty());
  CHECK(
      last_line(finished.out) ==
      "path: direct (by dma-buf, if the MPI proves what it claims), mlx5_0 <-> 0000:1a:00.0 (PIX); expect at "
      "most 50.0 GB/s between nodes");

  const auto file = nlohmann::json::parse(contents_of(scratch / "d.json"));
  CHECK(file.at("environment").at("root") == node.root().string());
  CHECK(file.at("rows").back().at("id") == "path");
  CHECK(file.at("rows").back().at("ceiling_gbytes_per_s") == 50.0);
  const auto& first = file.at("rows").front();
  CHECK(first.at("id") == "driver");
  CHECK(first.at("status") == "PASS");
  CHECK(first.at("evidence").front().at("path") == "/sys/bus/pci/devices");
  CHECK(first.at("documentation") == "docs/doctor.md#driver");
}

TEST_CASE("doctor ends with exit code 3 when a check fails, and names it with its fix") {
  const Scratch scratch;
  const Node node;
  node.remove("/sys/module/nvidia_peermem");
  node.remove("/sys/kernel/mm/memory_peers");
  node.write("/proc/sys/kernel/osrelease", "5.4.0-200-generic\n");
  const Finished finished = examine(node, {}, scratch);
  INFO(finished.out << finished.err);
  CHECK(finished.status == 3);
  CHECK(finished.out.find("FAIL    peermem /sys/module/nvidia_peermem = not there\n") != std::string::npos);
  CHECK(finished.out.find("fix: sudo modprobe nvidia-peermem\n        see: docs/doctor.md#peermem\n") !=
        std::string::npos);
  CHECK(last_line(finished.out).starts_with("path: staged (neither dma-buf nor nvidia-peermem can be used)"));
}

TEST_CASE("doctor warns without failing") {
  const Scratch scratch;
  const Node node;
  const Finished finished = examine(node, {}, scratch, {{"FAKE_MPI_CUDA", "0"}});
  INFO(finished.out << finished.err);
  CHECK(finished.status == 0);
  CHECK(lines_with(finished.out, "WARN    mpi-cuda").size() == 1);
  CHECK(last_line(finished.out).starts_with("path: staged"));
}

TEST_CASE("doctor asks no library about the files of another machine") {
  const Scratch scratch;
  const Node node;
  const Finished finished = run(program({"doctor", "--root", node.root()}, 0, scratch.path()));
  INFO(finished.out << finished.err);
  CHECK(finished.status == 0);
  for (const char* check : {"driver-libraries", "cuda-driver", "verbs", "mpi", "ucx", "disk"})
    CHECK(lines_with(finished.out, std::string("SKIP    ") + check + " (").size() == 1);
}

TEST_CASE("doctor refuses a root and libraries that are not there") {
  const Scratch scratch;
  for (const char* option : {"--root", "--libraries"}) {
    const Finished finished = run(program({"doctor", option, "nothing"}, 0, scratch.path()));
    INFO(finished.out << finished.err);
    CHECK(finished.status == 2);
    CHECK(lines_with(finished.err, "error: ").size() == 1);
    CHECK(lines_with(finished.err, "nothing").size() == 1);
  }
}

TEST_CASE("doctor tells ranks that know each other from those that do not") {
  const Scratch scratch;
  const Finished together = run(program({"doctor"}, 2, scratch.path()));
  INFO(together.out << together.err);
  CHECK(lines_with(together.out, "PASS    launcher OMPI_COMM_WORLD_SIZE = 2").size() == 2);
  CHECK(lines_with(together.out, "PASS    mpi ").size() == 2);

  const Finished apart =
      run(program({"doctor"}, 0, scratch.path(), {{"SLURM_STEP_NUM_TASKS", "2"}, {"SLURM_PROCID", "1"}}));
  INFO(apart.out << apart.err);
  CHECK(apart.status == 3);
  CHECK(lines_with(apart.out, "FAIL    launcher SLURM_STEP_NUM_TASKS = 2, PMIX_RANK = not set").size() == 1);
}
