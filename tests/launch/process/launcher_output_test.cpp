#include "launch/process/launcher_output.hpp"

#include "tests/support/test.hpp"

#include <string>

using namespace eightfold::launch;

namespace {

const std::string kUnknown = "ssh: Could not resolve hostname b: Name or service not known";
const std::string kUnwell =
    "--------------------------------------------------------------------------\n"
    "ORTE was unable to reliably start one or more daemons.\n\n* lack of authority\n"
    "--------------------------------------------------------------------------\n"
    "[vm:123] 1 more process has sent help message\n";

}  // namespace

TEST_CASE("the line of an output that tells most: an error, a message of Open MPI, the last line") {
  CHECK(process::last_error_line("a\n[rank 1/2 b] error: late\nc\n") == "[rank 1/2 b] error: late");
  CHECK(process::last_error_line("a\n-----------\nno slots\n\nb\n-----------\nc\n") == "no slots");
  CHECK(process::last_error_line("-----------\nrank 1 exited on\nsignal 9 (Killed).\n-----------\n") ==
        "rank 1 exited on signal 9 (Killed).");
  CHECK(process::last_error_line("-----------\n\n1\n\n2\n-----------\n-----------\n3\n4\n\n5\n") == "3 4");
  CHECK(process::last_error_line("[a] info: stopped by SIGUSR1\n-----------\nb\n") ==
        "[a] info: stopped by SIGUSR1");
  CHECK(process::last_error_line("a\nb\n") == "b");
  CHECK(process::last_error_line("\n--\n") == "nothing on standard error");
}

TEST_CASE(
    "the last line of a launcher's output that is not its own is of the agent by which it reaches hosts") {
  CHECK(process::last_agent_line(kUnknown + "\r\n" + kUnwell) == kUnknown);
  CHECK(process::last_agent_line("@@@@@\nWARNING: IT IS CHANGED\n@@@@@\nHost key verification failed.\n" +
                                 kUnwell) == "Host key verification failed.");
  CHECK(process::last_agent_line(kUnwell).empty());
  CHECK(process::last_agent_line("\n--\n").empty());
  CHECK(process::last_agent_line("").empty());
  CHECK(process::last_agent_line(std::string(5000, 'a')).size() == 300);
}
