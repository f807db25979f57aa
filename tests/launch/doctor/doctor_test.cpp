// eightfold doctor, on nodes made of files and on this machine.
#include "tests/launch/program.hpp"
#include "tests/runtime/doctor/node.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>

using namespace eightfold::test;

namespace {

Finished examine(const Node& node, const std::vector<std::string>& more, const Scratch& scratch,
                 const std::map<std::string, std::string>& variables = {}) {
  std::vector<std::string> arguments{"doctor", "--root", node.root(), "--libraries", node.libraries()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run(program(arguments, 0, scratch.path(), variables));
}

// The last line but one, in front of the totals.
std::string path_line(const std::string& text) {
  const std::vector<std::string> lines = lines_with(text, "");
  return lines.size() < 2 ? "" : lines[lines.size() - 2];
}

// The statuses of the checks, each as often as it stands there, in the order of the lines.
std::vector<std::string> statuses_in(const std::string& text) {
  std::vector<std::string> statuses;
  for (const std::string& line : lines_with(text, ""))
    if (line[0] >= 'A' && line[0] <= 'Z') statuses.push_back(line.substr(0, line.find(' ')));
  return statuses;
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
      path_line(finished.out) ==
      "path: direct (by dma-buf, if the MPI proves what it claims), mlx5_0 <-> 0000:1a:00.0 (PIX); expect at "
      "most 50 GB/s (400 Gbit/s) between nodes");

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
  CHECK(path_line(finished.out).starts_with("path: staged (neither dma-buf nor nvidia-peermem can be used)"));
}

TEST_CASE("doctor warns without failing") {
  const Scratch scratch;
  const Node node;
  const Finished finished = examine(node, {}, scratch, {{"FAKE_MPI_CUDA", "0"}});
  INFO(finished.out << finished.err);
  CHECK(finished.status == 0);
  CHECK(lines_with(finished.out, "WARN    mpi-cuda").size() == 1);
  CHECK(path_line(finished.out).starts_with("path: staged"));
}

TEST_CASE("doctor says first what is wrong, what does not apply in one line, and the totals last") {
  const Scratch scratch;
  const Node node;
  node.write("/proc/self/limits", "Max locked memory         65536   65536   bytes\n");
  node.write("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
  const Finished finished = examine(node, {"--json", "d.json"}, scratch);
  INFO(finished.out << finished.err);
  CHECK(finished.status == 3);
  CHECK(finished.out.starts_with("FAIL    memlock "));
  const std::vector<std::string> statuses = statuses_in(finished.out);
  const std::vector<std::string> order = {"FAIL", "WARN", "UNKNOWN", "PASS", "SKIP"};
  CHECK(std::ranges::is_sorted(statuses, {}, [&](const std::string& status) {
    return std::ranges::find(order, status) - order.begin();
  }));
  CHECK(std::ranges::count(statuses, "SKIP") == 1);

  // In the file the order is that of the checks, as ever.
  const auto file = nlohmann::json::parse(contents_of(scratch / "d.json"));
  CHECK(file.at("rows").front().at("id") == "driver");
  CHECK(file.at("rows").back().at("id") == "path");
  std::map<std::string, int> count;
  for (const auto& row : file.at("rows"))
    if (row.contains("status")) ++count[row.at("status")];
  std::string totals = fmt::format("{} checks:", file.at("rows").size() - 1);
  for (const std::string& status : order)
    if (count[status] > 0) totals += fmt::format(" {} {},", count[status], status);
  totals.pop_back();
  CHECK(lines_with(finished.out, "").back() == totals);
  CHECK(count["FAIL"] == 1);
  CHECK(count["WARN"] >= 1);
}

TEST_CASE("a library that crashes when the doctor asks it takes no other answer with it") {
  const Scratch scratch;
  const Node node;
  const Finished finished = examine(node, {}, scratch, {{"FAKE_UCX_VERSION", "crash"}});
  INFO(finished.out << finished.err);
  CHECK(finished.status == -SIGSEGV);
  CHECK(lines_with(finished.out, "PASS    driver ").size() == 1);
  CHECK(lines_with(finished.out, "").back() == "FAIL    ucx a library crashed when it was asked");
}

TEST_CASE("a library that never answers takes no other answer with it") {
  const Scratch scratch;
  const Node node;
  const Finished finished = examine(node, {"--patience", "1s"}, scratch, {{"FAKE_UCX_VERSION", "hang"}});
  INFO(finished.out << finished.err);
  CHECK(finished.status == 3);
  CHECK(lines_with(finished.out, "PASS    driver ").size() == 1);
  CHECK(lines_with(finished.out, "").back() == "FAIL    ucx no answer for 1 s; --patience waits longer");
  CHECK(examine(node, {"--patience", "0s"}, scratch).status == 2);
}

TEST_CASE("doctor asks no library about the files of another machine") {
  const Scratch scratch;
  const Node node;
  const Finished finished = run(program({"doctor", "--root", node.root()}, 0, scratch.path()));
  INFO(finished.out << finished.err);
  CHECK(finished.status == 0);
  const auto skipped = lines_with(finished.out, "SKIP    ");
  REQUIRE(skipped.size() == 1);
  for (const char* check : {"driver-libraries", "cuda-driver", "verbs", "mpi", "ucx", "disk"})
    CHECK(skipped[0].find(std::string(" ") + check) != std::string::npos);
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
