#include "launch/process/hosts.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

using namespace eightfold;
using namespace eightfold::launch;

namespace {

using Pairs = std::vector<std::pair<std::string, int>>;

// Names, and the ranks that each gets where nobody else says how many.
Pairs slots_in(std::vector<process::Host> hosts, int ranks_per_node = 0) {
  process::choose_slots(hosts, ranks_per_node);
  Pairs pairs;
  for (const process::Host& host : hosts) pairs.emplace_back(host.name, host.slots);
  return pairs;
}

Pairs slots_of_file(const std::string& text, int ranks_per_node = 0) {
  return slots_in(process::parse_hostfile(text, "hosts"), ranks_per_node);
}

const std::string kAllowed =
    "allowed: letters, digits, dots, underscores and hyphens, no hyphen first, and :N behind it for N ranks";

}  // namespace

TEST_CASE("slots are ranks, however a hostfile writes them") {
  const Pairs equal = {{"n1", 2}, {"n2", 2}};
  CHECK(slots_of_file("n1 slots=2\nn2 slots=2\n") == equal);                // Open MPI
  CHECK(slots_of_file("n1 slots = 2\n\n\tn2\tslots= 2 # new\n") == equal);  // and its blanks
  CHECK(slots_of_file("n1:2\nn2:2") == equal);                              // MPICH
  CHECK(slots_of_file("n1\nn2\nn1\nn2\n") == equal);                        // PBS, LSF
  CHECK(slots_of_file("n1\nn2\n") == Pairs{{"n1", 1}, {"n2", 1}});
  for (const char* key : {"max_slots", "max-slots", "slots_max", "slots-max"})
    CHECK(slots_of_file(fmt::format("n1 {}=3\nn2 slots=2 {}=4\n", key, key)) == Pairs{{"n1", 3}, {"n2", 2}});
}

TEST_CASE("hosts may have different numbers of slots") {
  CHECK(slots_of_file("n1 slots=4\nn2 slots=2") == Pairs{{"n1", 4}, {"n2", 2}});
  CHECK(slots_of_file("n1\nn1\nn2") == Pairs{{"n1", 2}, {"n2", 1}});
}

TEST_CASE("a byte order mark, carriage returns and comments are passed over") {
  CHECK(slots_of_file("\xEF\xBB\xBFn1 slots=2\r\n# n9\r\nn2 slots=2\r\n") == Pairs{{"n1", 2}, {"n2", 2}});
  CHECK(slots_of_file("# a lab\n\n  n1# here\n#") == Pairs{{"n1", 1}});
}

TEST_CASE("the ranks on each node, if given, count instead of slots, up to the most that a host takes") {
  CHECK(slots_of_file("n1 slots=4\nn2", 3) == Pairs{{"n1", 3}, {"n2", 3}});
  CHECK(slots_of_file("n1 slots=1 max_slots=3", 3) == Pairs{{"n1", 3}});
  CHECK_THROWS_WITH(slots_of_file("n0\nn1 slots=1 max_slots=3", 4),
                    "--ranks-per-node 4: host n1 takes at most 3 (max_slots)");
}

TEST_CASE("in a hostfile either all hosts have a number or none, for mpirun would count cores") {
  CHECK_THROWS_WITH(slots_of_file("n1\nn2 slots=4\n"),
                    "host n2 is for 4 ranks and n1 has no number; give each of the hosts one, or all of them "
                    "--ranks-per-node");
  CHECK(slots_in(process::parse_hosts({"n1", "n2:4"}, "--hosts")) ==
        Pairs{{"n1", 1}, {"n2", 4}});  // as mpirun --host
}

TEST_CASE("hosts of the command line are read like those of a file") {
  CHECK(slots_in(process::parse_hosts({"a:2", "b:3"}, "--hosts")) == Pairs{{"a", 2}, {"b", 3}});
  CHECK(slots_in(process::parse_hosts({"a", "b", "a"}, "--hosts")) == Pairs{{"a", 2}, {"b", 1}});
  CHECK(process::parse_hosts({}, "--hosts").empty());
  CHECK(process::names_of(
            process::parse_hosts({"node1", "gpu-7.lab_2.example", "10.88.0.1:1000"}, "--hosts")) ==
        std::vector<std::string>{"node1", "gpu-7.lab_2.example", "10.88.0.1"});
}

TEST_CASE("names of hosts cannot be anything else") {
  for (const char* name : {"", "-oProxyCommand=x", "$(touch x)", "a b", "a;b", ":8", "a:2:3", "a,b", "a/b",
                           "a\nb", "`x`", "h\xC3\xB6st", "+n0", "~", "user@a", "[::1]"}) {
    CAPTURE(name);
    CHECK_THROWS_AS(process::parse_hosts({"good", name}, "--hosts"), base::ConfigError);
  }
  CHECK_THROWS_AS(process::parse_hosts({std::string(256, 'a')}, "--hosts"), base::ConfigError);
}

TEST_CASE("what is wrong with a hostfile is said with its line") {
  const struct {
    std::string text, message;
  } rows[] = {
      {"n1\n\x1b[31m\n", "hosts:2: \"\\u001B[31m\" is no name of a host; " + kAllowed},
      {"n1\n-oProxyCommand=x\n", "hosts:2: \"-oProxyCommand=x\" is no name of a host; " + kAllowed},
      {std::string(5000, 'a'), "hosts:1: a value of 5002 characters is no name of a host; " + kAllowed},
      {"n1\n\nn2 slots=two\n", "hosts:3: slots is \"two\"; allowed: a number from 1 to 1000"},
      {"n1 slots=0", "hosts:1: slots is \"0\"; allowed: a number from 1 to 1000"},
      {"n1 slots=1001", "hosts:1: slots is \"1001\"; allowed: a number from 1 to 1000"},
      {"n1 slots=99999999999999999999",
       "hosts:1: slots is \"99999999999999999999\"; allowed: a number from 1 to 1000"},
      {"n1:", "hosts:1: the number behind a host is \"\"; allowed: a number from 1 to 1000"},
      {"n1 slots", "hosts:1: slots of n1 has no number; allowed: slots=N"},
      {"n1 slots=", "hosts:1: slots of n1 has no number; allowed: slots=N"},
      {"n1 slots 2", "hosts:1: slots of n1 has no number; allowed: slots=N"},
      {"n1 8", "hosts:1: \"8\" behind n1 means nothing; allowed: slots=N, max_slots=N"},
      {"n1 slots=2 n2", "hosts:1: \"n2\" behind n1 means nothing; allowed: slots=N, max_slots=N"},
      {"n1 slots=2 max_slots=2 rank=1",
       "hosts:1: \"rank\" behind n1 means nothing; allowed: slots=N, max_slots=N"},
      {"n1 slots=2 slots=2", "hosts:1: n1 has a number of slots already"},
      {"n1:2 slots=2", "hosts:1: n1 has a number of slots already"},
      {"n1 max_slots=2 slots-max=2", "hosts:1: n1 has a number of slots-max already"},
      {"n1 max_slots=2 slots=3", "hosts:1: n1 has slots=3, more than max_slots=2"},
      {"n1 slots=2\nn1 slots=2",
       "hosts:2: n1 is named again; a host has a number of ranks, or is named once for each of them, not "
       "both"},
      {"n1\nn1:2",
       "hosts:2: n1 is named again; a host has a number of ranks, or is named once for each of them, not "
       "both"},
      {"# none\n", "--hostfile: hosts names no host"},
      {"", "--hostfile: hosts names no host"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK_THROWS_WITH(process::parse_hostfile(row.text, "hosts"), row.message);
    CHECK_THROWS_AS(process::parse_hostfile(row.text, "hosts"), base::ConfigError);
  }
}

TEST_CASE("a hostfile may be as long as it is allowed to be") {
  std::string text, once_more;
  for (int i = 0; i < 100'000; ++i) text += fmt::format("n{}\n", i);
  CHECK(process::parse_hostfile(text, "hosts").size() ==
        100'000);  // in time that grows with the length, not its square
  for (int i = 0; i < 1000; ++i) once_more += "n\n";
  CHECK(slots_of_file(once_more) == Pairs{{"n", 1000}});
  CHECK_THROWS_WITH(process::parse_hostfile(once_more + "n\n", "hosts"),
                    "hosts:1001: n is named more than 1000 times; a host takes no more ranks");
}

TEST_CASE("a hostfile that is not there is a mistake on the command line") {
  const test::Scratch scratch;
  CHECK_THROWS_AS(process::read_hostfile(scratch / "none"), base::ConfigError);
  CHECK(process::names_of(process::read_hostfile(scratch.file("hosts", "n1\n"))) ==
        std::vector<std::string>{"n1"});
}
