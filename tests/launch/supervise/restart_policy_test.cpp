#include "launch/supervise/restart_policy.hpp"

#include "kernels/base/error.hpp"
#include "launch/supervise/attempt_log.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <nlohmann/json.hpp>

#include <csignal>

using namespace eightfold;
using namespace eightfold::launch;

namespace {

using How = process::ChildEnd::How;
using std::chrono::seconds;

supervise::Attempt attempt(int number, process::ChildEnd end) {
  return {number, "today", {"a", "b"}, 4, {"mpirun", "x y"}, 10, 20, 1.5, std::move(end), "attempt 2"};
}

}  // namespace

TEST_CASE("what would end the same is not tried again") {
  for (const supervise::RunState run :
       {supervise::RunState::unbegun, supervise::RunState::begun, supervise::RunState::ended}) {
    const auto verdict = [&](How how, int code) { return supervise::verdict_on({how, code, {}}, run); };
    for (const int code : {2, 4, 7, 75}) CHECK(verdict(How::exited, code) == supervise::Verdict::final);
    CHECK(verdict(How::exited, 3) == supervise::Verdict::restart_elsewhere);
    for (const int code : {5, 6, 128 + SIGKILL, 128 + SIGSEGV, 213, 255})
      CHECK(verdict(How::exited, code) == supervise::Verdict::restart);
    CHECK(verdict(How::killed, SIGKILL) == supervise::Verdict::restart);
    CHECK(verdict(How::hung, 0) == supervise::Verdict::restart);
    CHECK(verdict(How::interrupted, 0) == supervise::Verdict::final);
  }
}

TEST_CASE("what cannot even be started is started again only elsewhere") {
  for (const int code : {0, 1}) {
    CHECK(supervise::verdict_on({How::exited, code, {}}, supervise::RunState::unbegun) ==
          supervise::Verdict::restart_elsewhere);
    CHECK(supervise::verdict_on({How::exited, code, {}}, supervise::RunState::begun) ==
          supervise::Verdict::restart);
  }
}

TEST_CASE("a launcher that tells of no failure is believed only if the run has ended") {
  CHECK(supervise::verdict_on({How::exited, 0, {}}, supervise::RunState::ended) == supervise::Verdict::done);
  CHECK(supervise::verdict_on({How::exited, 0, {}}, supervise::RunState::begun) ==
        supervise::Verdict::restart);
}

TEST_CASE("an end is described as its launcher has put it") {
  CHECK(launch::supervise::describe({How::exited, 7, {}}) == "exit code 7");
  CHECK(launch::supervise::describe({How::exited, 137, {}}) == "exit code 137 (signal 9)");
  CHECK(launch::supervise::describe({How::exited, 255, {}}) ==
        "exit code 255");  // mpirun that could not reach a host
  CHECK(launch::supervise::describe({How::killed, 9, {}}) == "signal 9");
}

TEST_CASE("restarts wait twice as long each time, and end at their limit") {
  supervise::RestartBudget budget(6, seconds(5));
  for (const int wait : {5, 10, 20, 40, 60, 60}) CHECK(budget.next(false) == seconds(wait));
  CHECK_FALSE(budget.next(false));
}

TEST_CASE("a newer checkpoint makes up for the attempts before it") {
  supervise::RestartBudget budget(2, seconds(5));
  CHECK(budget.next(false) == seconds(5));
  CHECK(budget.next(false) == seconds(10));
  for (int i = 0; i < 10; ++i) CHECK(budget.next(true) == seconds(5));
  CHECK(budget.next(false) == seconds(10));
  CHECK_FALSE(budget.next(false));
}

TEST_CASE("no restarts are none, whatever an attempt has left") {
  CHECK_FALSE(supervise::RestartBudget(0, seconds(5)).next(true));
  CHECK_FALSE(supervise::RestartBudget(0, seconds(5)).next(false));
}

TEST_CASE("a wait that is longer than a minute stays what it is") {
  supervise::RestartBudget budget(3, seconds(90));
  CHECK(budget.next(false) == seconds(90));
  CHECK(budget.next(false) == seconds(90));
  supervise::RestartBudget at_once(3, seconds(0));
  for (int i = 0; i < 3; ++i) CHECK(at_once.next(false) == seconds(0));
}

TEST_CASE("an attempt is a line of JSON, whatever its ranks have said") {
  using Json = nlohmann::json;
  const Json exited =
      Json::parse(supervise::attempt_line(attempt(1, {How::exited, 6, "x\nerror: \"late\" \xFF\n"})));
  CHECK(exited["attempt"] == 1);
  CHECK(exited["hosts"] == Json({"a", "b"}));
  CHECK(exited["command"] == Json({"mpirun", "x y"}));
  CHECK(exited["begun_at_step"] == 10);
  CHECK(exited["left_at_step"] == 20);
  CHECK(exited["exit_code"] == 6);
  CHECK(exited["error"] == "error: \"late\" \xEF\xBF\xBD");
  CHECK(exited["next"] == "attempt 2");
  const Json killed = Json::parse(supervise::attempt_line(attempt(1, {How::killed, 9, {}})));
  CHECK(killed["signal"] == 9);
  CHECK_FALSE(killed.contains("exit_code"));
  CHECK_FALSE(Json::parse(supervise::attempt_line(attempt(1, {How::exited, 0, "fine"}))).contains("error"));
}

TEST_CASE("the log of attempts goes on behind what is whole of it, for one process at a time") {
  const test::Scratch scratch;
  const std::string first = supervise::attempt_line(attempt(1, {How::exited, 6, {}})) + "\n";
  scratch.file("attempts.jsonl", first + first.substr(0, 30));
  supervise::AttemptLog log(scratch.path());
  CHECK(log.before() == 1);
  CHECK_THROWS_AS(supervise::AttemptLog(scratch.path()), base::EnvironmentError);
  log.append(attempt(2, {How::exited, 0, {}}));
  CHECK(test::contents_of(scratch / "attempts.jsonl") ==
        first + supervise::attempt_line(attempt(2, {How::exited, 0, {}})) + "\n");
}
