#include "launch/process/silent_hosts.hpp"

#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <filesystem>
#include <string>

using namespace eightfold;
using namespace eightfold::launch;

namespace {

const std::string kUnknown = "ssh: Could not resolve hostname b: Name or service not known";

}  // namespace

TEST_CASE("hosts are asked by their launcher, and those that do not answer are silent") {
  const test::Scratch scratch;
  const auto script = scratch.file("launcher", "#!/bin/sh\ncase $* in\n*c2*) echo '" + kUnknown +
                                                   "' >&2; exit 255 ;;\n*c3*) exit 1 ;;\nesac\n"
                                                   "for last; do :; done\nexec \"$last\"\n");
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  process::EndRequest request;
  const process::Launcher launcher{
      process::LauncherKind::netcluster, {{"c1"}, {"c2", 4}, {"c3"}}, script.string(), "c", {}};
  const auto silent = process::find_silent_hosts(launcher, request);
  REQUIRE(silent.size() == 2);
  CHECK(silent[0].host.name == "c2");
  CHECK(silent[0].is_unknown);
  CHECK(silent[1].host.name == "c3");
  CHECK_FALSE(silent[1].is_unknown);
  CHECK(describe(silent) == "no answer from c2: " + kUnknown + "; no answer from c3");
  CHECK(process::find_silent_hosts(launcher.on({}), request).empty());
}

TEST_CASE("many silent hosts fit into a line") {
  const std::vector<process::SilentHost> many(20, process::SilentHost{{"n"}, "late"});
  CHECK(describe(many).ends_with("no answer from n: late; and none from 12 more"));
}
