#include "launch/launcher.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <fmt/format.h>

using namespace eightfold;
using namespace eightfold::launch;

namespace {

using Words = std::vector<std::string>;

const Words kProgram = {"/bin/eightfold", "bench"};

}  // namespace

TEST_CASE("mpirun gets the first hosts, with as many slots as ranks") {
  const Launcher launcher{LauncherKind::mpirun, {"a", "10.88.0.2", "c"}, {}, {}, {"--oversubscribe"}};
  CHECK(launcher.command(2, 4, kProgram) == Words{"mpirun", "--host", "a:4,10.88.0.2:4", "-np", "8",
                                                  "--bind-to", "none", "--oversubscribe", "/bin/eightfold",
                                                  "bench"});
  const Launcher here{LauncherKind::mpirun, {}, {}, {}, {"--bind-to", "core"}};
  CHECK(here.command(1, 2, kProgram) ==
        Words{"mpirun", "--host", "localhost:2", "-np", "2", "--bind-to", "core", "/bin/eightfold", "bench"});
  CHECK(here.name() == "mpirun");
  CHECK_THROWS_AS(launcher.command(4, 1, kProgram), base::InternalError);
}

TEST_CASE("srun gets nodes and ranks, and the user's arguments behind them") {
  const Launcher launcher{LauncherKind::srun, {}, {}, {}, {"--mpi=pmi2"}};
  CHECK(launcher.command(4, 2, kProgram) == Words{"srun", "--mpi=pmix", "--nodes=4", "--ntasks=8",
                                                  "--ntasks-per-node=2", "--kill-on-bad-exit=1", "--mpi=pmi2",
                                                  "/bin/eightfold", "bench"});
  CHECK(launcher.name() == "srun");
}

TEST_CASE("netcluster gets its name and how many of its hosts are used") {
  const Launcher launcher{LauncherKind::netcluster, {}, "/x/netcluster.sh", "runs", {}};
  CHECK(launcher.command(2, 1, kProgram) == Words{"/x/netcluster.sh", "run", "--name", "runs", "--hosts", "2",
                                                  "-np", "2", "--", "/bin/eightfold", "bench"});
  CHECK(launcher.on({"runs1", "runs3"}).command(2, 2, {"x"}) ==
        Words{"/x/netcluster.sh", "run", "--name", "runs", "--hosts", "runs1,runs3", "-np", "4", "--", "x"});
  CHECK(launcher.name() == "netcluster:runs");
}

TEST_CASE("of what a launcher said, the line that says most counts") {
  CHECK(last_words("a\n[rank 1/2 b] error: late\nc\n") == "[rank 1/2 b] error: late");
  CHECK(last_words("a\n-----------\nno slots\n\nb\n-----------\nc\n") == "no slots");
  CHECK(last_words("-----------\nrank 1 exited on\nsignal 9 (Killed).\n-----------\n") ==
        "rank 1 exited on signal 9 (Killed).");
  CHECK(last_words("a\nb\n") == "b");
  CHECK(last_words("\n--\n") == "it said nothing");
}

TEST_CASE("names of hosts cannot be anything else") {
  CHECK_NOTHROW(check_hosts("--hosts", {"node1", "gpu-7.lab_2.example", "10.88.0.1"}));
  for (const char* name : {"", "-oProxyCommand=x", "$(touch x)", "a b", "a;b", "a:8", "a,b", "a/b", "a\nb",
                           "`x`", "h\xC3\xB6st", "+n0", "~"}) {
    CAPTURE(name);
    CHECK_THROWS_AS(check_hosts("--hosts", {"good", name}), base::ConfigError);
  }
  CHECK_THROWS_AS(check_hosts("--hosts", {std::string(300, 'a')}), base::ConfigError);
  CHECK_THROWS_AS(check_hosts("--hosts", {"a", "b", "a"}), base::ConfigError);
}

TEST_CASE("a hostfile is its first words") {
  const test::Scratch scratch;
  const auto file =
      scratch.file("hosts", "# a lab\nnode1 slots=8\n\n  node2\t# the new one\nnode1 slots=4\nnode3");
  CHECK(read_hostfile(file) == Words{"node1", "node2", "node3"});
  CHECK_THROWS_AS(read_hostfile(scratch.file("empty", "# none\n")), base::ConfigError);
  CHECK_THROWS_AS(read_hostfile(scratch.file("bad", "node1\n$(touch x)\n")), base::ConfigError);
  CHECK_THROWS_AS(read_hostfile(scratch / "none"), base::ConfigError);
}

TEST_CASE("a hostfile from anywhere is refused in one line") {
  CHECK_THROWS_WITH(
      parse_hostfile("node1\n\x1b[31m\n", "hosts"),
      "hosts: \"\\u001B[31m\" is no name of a host; allowed: letters, digits, dots, underscores and "
      "hyphens, no hyphen first");
  CHECK_THROWS_WITH(parse_hostfile(std::string(5000, 'a'), "hosts"),
                    "hosts: a value of 5002 characters is no name of a host; allowed: letters, digits, dots, "
                    "underscores and hyphens, no hyphen first");
}

TEST_CASE("a hostfile may be as long as it is allowed to be") {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += fmt::format("n{}\n", i);
  CHECK(parse_hostfile(text, "hosts").size() ==
        100'000);  // in time that grows with the length, not its square
}

TEST_CASE("netcluster is found beside the program or in its repository") {
  const test::Scratch scratch;
  const std::filesystem::path program = scratch / "build/release/launch/eightfold";
  std::filesystem::create_directories(program.parent_path());
  CHECK_THROWS_AS(find_netcluster(program), base::EnvironmentError);
  std::filesystem::create_directories(scratch / "launch");
  scratch.file("launch/netcluster.sh", "");
  CHECK_THROWS_AS(find_netcluster(program), base::EnvironmentError);  // no repository: just somebody's file
  scratch.file("CMakePresets.json", "{}");
  CHECK(find_netcluster(program) == scratch / "launch/netcluster.sh");
  scratch.file("build/release/launch/netcluster.sh", "");
  CHECK(find_netcluster(program) == scratch / "build/release/launch/netcluster.sh");
}

TEST_CASE("command lines are shown as a shell would take them") {
  CHECK(shell_words({"a", "--b=c,d", "x y", "", "it's", "$HOME", "*", "~"}) ==
        R"(a --b=c,d 'x y' '' 'it'\''s' '$HOME' '*' '~')");
}
