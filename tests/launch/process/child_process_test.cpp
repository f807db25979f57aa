#include "launch/process/child_process.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

using namespace eightfold;
using namespace eightfold::launch;

namespace {

constexpr std::chrono::seconds kPatience{60};

process::ChildEnd run_shell(const std::string& script, std::chrono::nanoseconds limit = kPatience) {
  process::EndRequest request;
  return process::run_child({"sh", "-c", script}, limit, request);
}

// A process that is over may wait for its parent for a while.
bool is_running(const std::string& id) {
  std::ifstream stat("/proc/" + id + "/stat");
  std::string number, name, state;
  return stat >> number >> name >> state && state != "Z";
}

}  // namespace

TEST_CASE("a child ends with an exit code and its error output") {
  const process::ChildEnd end = run_shell("echo out; echo one >&2; echo two >&2; exit 7");
  CHECK(end.how == process::ChildEnd::How::exited);
  CHECK(end.code == 7);
  CHECK(end.error_output == "one\ntwo\n");
}

TEST_CASE("arguments are not read by a shell") {
  process::EndRequest request;
  const process::ChildEnd end =
      process::run_child({"sh", "-c", "echo \"$1\" >&2", "sh", "$(echo x) ; `y`"}, kPatience, request);
  CHECK(end.error_output == "$(echo x) ; `y`\n");
}

TEST_CASE("a child has no input and is not this process's group") {
  CHECK(run_shell("cat; read -r id name state parent group rest </proc/$$/stat; [ $group = $$ ]").code == 0);
}

TEST_CASE("of a child that says much the end is kept") {
  const process::ChildEnd end =
      run_shell("for i in 1 2 3 4 5 6 7 8 9; do printf '%16384d' $i >&2; done; echo end >&2");
  CHECK(end.error_output.size() == 65536);
  CHECK(end.error_output.ends_with("9end\n"));
}

TEST_CASE("a child that a signal ends says which") {
  const process::ChildEnd end = run_shell("kill -KILL $$");
  CHECK(end.how == process::ChildEnd::How::killed);
  CHECK(end.code == SIGKILL);
}

TEST_CASE("a program that is not there is an error of the environment") {
  process::EndRequest request;
  CHECK_THROWS_AS(process::run_child({"/no/such/program"}, kPatience, request), base::EnvironmentError);
}

TEST_CASE("a child that takes too long is ended with what it has started") {
  const test::Scratch scratch;
  const auto ids = scratch / "ids";
  const process::ChildEnd end = run_shell(
      "echo waiting >&2; sleep 1000 & echo $! > " + ids.string() + "; wait", std::chrono::seconds(2));
  CHECK(end.how == process::ChildEnd::How::timed_out);
  CHECK(end.error_output == "waiting\n");
  std::string id = test::contents_of(ids);
  id.pop_back();
  for (int i = 0; i < 1000 && is_running(id); ++i) run_shell("sleep 0.01");
  CHECK_FALSE(is_running(id));
}

TEST_CASE("a request to end this process ends the child first") {
  process::EndRequest request;
  CHECK_FALSE(request.signal());
  const process::ChildEnd end =
      process::run_child({"sh", "-c", "kill -TERM $PPID; sleep 1000"}, kPatience, request);
  CHECK(end.how == process::ChildEnd::How::interrupted);
  CHECK(request.signal() == SIGTERM);
}

TEST_CASE("several children run at once, and are told apart") {
  process::EndRequest request;
  const test::Scratch scratch;
  const std::string one = (scratch / "one").string();
  // Each waits for what the other does.
  const std::vector<process::ChildEnd> ends =
      process::run_children({{"sh", "-c", "while ! [ -e " + one + " ]; do sleep 0.01; done; exit 3"},
                             {"touch", one},
                             {"sleep", "1000"}},
                            std::chrono::seconds(5), request);
  REQUIRE(ends.size() == 3);
  CHECK(ends[0].code == 3);
  CHECK(ends[1].code == 0);
  CHECK(ends[2].how == process::ChildEnd::How::timed_out);
}

TEST_CASE("several children that take too long are asked to end at once, not one after the other") {
  process::EndRequest request;
  const test::Scratch scratch;
  const std::string place = scratch.path().string() + "/";
  // Asked, each waits until the other has been asked, too.
  const auto child = [&](const std::string& own, const std::string& other) {
    const std::string asked =
        fmt::format("touch {0}{1}; while ! [ -e {0}{2} ]; do sleep 0.01; done; touch {0}{1}-done; exit",
                    place, own, other);
    return std::vector<std::string>{"sh", "-c", "trap '" + asked + "' TERM; while :; do sleep 0.01; done"};
  };
  const auto ends =
      process::run_children({child("a", "b"), child("b", "a")}, std::chrono::seconds(1), request);
  for (const process::ChildEnd& end : ends) CHECK(end.how == process::ChildEnd::How::timed_out);
  CHECK(std::filesystem::exists(scratch / "a-done"));
  CHECK(std::filesystem::exists(scratch / "b-done"));
}

TEST_CASE("of a supervised child the end of what it says is kept, too") {
  process::EndRequest request;
  const process::ChildEnd end =
      process::supervise_child({"sh", "-c", "echo one >&2; echo two >&2; exit 7"}, request);
  CHECK(end.how == process::ChildEnd::How::exited);
  CHECK(end.code == 7);
  CHECK(end.error_output == "one\ntwo\n");
}

TEST_CASE("a request to end is passed on to a supervised child, which may take its time") {
  process::EndRequest request({SIGUSR1});
  const process::ChildEnd end = process::supervise_child(
      {"sh", "-c", "trap 'sleep 0.2; exit 75' USR1; kill -TERM $PPID; while :; do sleep 0.01; done"},
      request);
  CHECK(end.how == process::ChildEnd::How::exited);
  CHECK(end.code == 75);
  CHECK(request.signal() == SIGTERM);
}

TEST_CASE("a signal that this process was told to ignore is no request") {
  ::signal(SIGHUP, SIG_IGN);
  process::EndRequest request;
  const process::ChildEnd end =
      process::run_child({"sh", "-c", "kill -HUP $PPID; sleep 0.1"}, kPatience, request);
  ::signal(SIGHUP, SIG_DFL);
  CHECK(end.how == process::ChildEnd::How::exited);
  CHECK_FALSE(request.signal());
}

TEST_CASE("a supervised child that is killed leaves nobody behind") {
  const test::Scratch scratch;
  const auto ids = scratch / "ids";
  process::EndRequest request;
  const process::ChildEnd end = process::supervise_child(
      {"sh", "-c", "setsid sleep 1000 & echo $! >" + ids.string() + "; kill -KILL $$"}, request);
  CHECK(end.how == process::ChildEnd::How::killed);
  std::string id = test::contents_of(ids);
  id.pop_back();
  CHECK_FALSE(is_running(id));
}

TEST_CASE("a request can be waited for") {
  process::EndRequest request({SIGUSR1});
  CHECK_FALSE(request.comes_within(std::chrono::milliseconds(1)));
  ::kill(::getpid(), SIGUSR1);
  CHECK(request.comes_within(kPatience));
  CHECK(request.signal() == SIGUSR1);
}
