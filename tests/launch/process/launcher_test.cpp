#include "launch/process/launcher.hpp"

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
  const process::Launcher launcher{
      process::LauncherKind::mpirun, {{"a"}, {"10.88.0.2"}, {"c"}}, {}, {}, {"--oversubscribe"}};
  CHECK(launcher.command(2, 4, kProgram) == Words{"mpirun", "--host", "a:4,10.88.0.2:4", "-np", "8",
                                                  "--bind-to", "none", "--oversubscribe", "/bin/eightfold",
                                                  "bench"});
  const process::Launcher here{process::LauncherKind::mpirun, {}, {}, {}, {"--bind-to", "core"}};
  CHECK(here.command(1, 2, kProgram) ==
        Words{"mpirun", "--host", "localhost:2", "-np", "2", "--bind-to", "core", "/bin/eightfold", "bench"});
  CHECK(here.name() == "mpirun");
  CHECK_THROWS_AS(launcher.command(4, 1, kProgram), base::InternalError);
}

TEST_CASE("mpirun alone starts different numbers of ranks") {
  const process::Launcher launcher{process::LauncherKind::mpirun, {{"a"}, {"b"}, {"c"}}, {}, {}, {}};
  CHECK(launcher.command({2, 1, 3}, kProgram) ==
        Words{"mpirun", "--host", "a:2,b:1,c:3", "-np", "6", "--bind-to", "none", "/bin/eightfold", "bench"});
  for (const process::LauncherKind kind : {process::LauncherKind::srun, process::LauncherKind::netcluster})
    CHECK_THROWS_AS((process::Launcher{kind, {}, {}, {}, {}}.command({2, 1}, kProgram)), base::InternalError);
}

TEST_CASE("srun gets nodes and ranks, and the user's arguments behind them") {
  const process::Launcher launcher{process::LauncherKind::srun, {}, {}, {}, {"--mpi=pmi2"}};
  CHECK(launcher.command(4, 2, kProgram) == Words{"srun", "--mpi=pmix", "--nodes=4", "--ntasks=8",
                                                  "--ntasks-per-node=2", "--kill-on-bad-exit=1", "--mpi=pmi2",
                                                  "/bin/eightfold", "bench"});
  CHECK(launcher.name() == "srun");
}

TEST_CASE("netcluster gets its name and how many of its hosts are used") {
  const process::Launcher launcher{process::LauncherKind::netcluster, {}, "/x/netcluster.sh", "runs", {}};
  CHECK(launcher.command(2, 1, kProgram) == Words{"/x/netcluster.sh", "run", "--name", "runs", "--hosts", "2",
                                                  "-np", "2", "--", "/bin/eightfold", "bench"});
  CHECK(launcher.on({{"runs1"}, {"runs3"}}).command(2, 2, {"x"}) ==
        Words{"/x/netcluster.sh", "run", "--name", "runs", "--hosts", "runs1,runs3", "-np", "4", "--", "x"});
  CHECK(launcher.name() == "netcluster:runs");
}

TEST_CASE("netcluster is found beside the program or in its repository") {
  const test::Scratch scratch;
  const std::filesystem::path program = scratch / "build/release/launch/eightfold";
  std::filesystem::create_directories(program.parent_path());
  CHECK_THROWS_AS(process::find_netcluster(program), base::EnvironmentError);
  std::filesystem::create_directories(scratch / "launch");
  scratch.file("launch/netcluster.sh", "");
  CHECK_THROWS_AS(process::find_netcluster(program),
                  base::EnvironmentError);  // no repository: just somebody's file
  scratch.file("CMakePresets.json", "{}");
  CHECK(process::find_netcluster(program) == scratch / "launch/netcluster.sh");
  scratch.file("build/release/launch/netcluster.sh", "");
  CHECK(process::find_netcluster(program) == scratch / "build/release/launch/netcluster.sh");
}

TEST_CASE("command lines are shown as a shell would take them") {
  CHECK(process::shell_words({"a", "--b=c,d", "x y", "", "it's", "$HOME", "*", "~"}) ==
        R"(a --b=c,d 'x y' '' 'it'\''s' '$HOME' '*' '~')");
}
