#include "launch/process/silent_hosts.hpp"

#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <filesystem>
#include <string>

using namespace eightfold;
using namespace eightfold::launch;

namespace {

const std::string kUnknown = "ssh: Could not resolve hostname b: Name or service not known";
const std::string kUnwell =
    "--------------------------------------------------------------------------\n"
    "ORTE was unable to reliably start one or more daemons.\n\n* lack of authority\n"
    "--------------------------------------------------------------------------\n"
    "[vm:123] 1 more process has sent help message\n";

}  // namespace

TEST_CASE("of what a launcher printed, what it reaches hosts by said the last line that is not its own") {
  CHECK(process::words_of_agent(kUnknown + "\r\n" + kUnwell) == kUnknown);
  CHECK(process::words_of_agent("@@@@@\nWARNING: IT IS CHANGED\n@@@@@\nHost key verification failed.\n" +
                                kUnwell) == "Host key verification failed.");
  CHECK(process::words_of_agent(kUnwell).empty());
  CHECK(process::words_of_agent("\n--\n").empty());
  CHECK(process::words_of_agent("").empty());
  CHECK(process::words_of_agent(std::string(5000, 'a')).size() == 300);
}

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
