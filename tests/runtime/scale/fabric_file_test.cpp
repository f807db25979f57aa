#include "runtime/scale/fabric_file.hpp"

#include "runtime/config/limits.hpp"
#include "runtime/scale/workload_file.hpp"
#include "tests/runtime/scale/message.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <fmt/format.h>

using namespace eightfold;
using comm::simulator::Fabric;
using runtime::scale::fabric_text;
using runtime::scale::parse_fabric;
using runtime::scale::read_fabric;

namespace {

// What is required and nothing else; ends in line 5, inside [network].
const std::string kSmallest = R"([fabric]
name = "x"
[network]
bytes_per_s = 1e9
latency_us = 2.5
)";

const std::string kEverything = R"([fabric]
name = "every-key"
description = "A \"quoted\" one."
[network]
cards = 8
bytes_per_s = 48.7e9
latency_us = 1.7
burst_bytes = 256000
nodes_per_switch = 16
oversubscription = 2
[node]
slot_bytes_per_s = 55e9
neighbour_bytes_per_s = 360e9
latency_us = 3
[engine]
message_us = 0.3
send_ns_per_byte = 0.11
receive_ns_per_byte = 0.23
[machine]
nodes = 4
cores = 2
oversubscription_slowdown = 1.25
)";

std::string message(const std::string& text) {
  return test::message_of([&] { parse_fabric(text, "f.toml"); });
}

struct Mistake {
  std::string text;
  std::string message;
};

}  // namespace

TEST_CASE("a fabric of the smallest file has the defaults of a default-constructed one") {
  const Fabric fabric = parse_fabric(kSmallest, "f.toml");
  CHECK(fabric.name == "x");
  CHECK(fabric.cards == 1);
  CHECK(fabric.card_bytes_per_s == 1e9);
  CHECK(fabric.network_latency_s == 2.5e-6);
  CHECK(fabric.slot_bytes_per_s == 0);
  CHECK(fabric.oversubscription == 1);
  CHECK(fabric.nodes_per_machine == 0);
}

TEST_CASE("every key of a fabric reaches its field in seconds and bytes") {
  const Fabric fabric = parse_fabric(kEverything, "f.toml");
  CHECK(fabric.name == "every-key");
  CHECK(fabric.description == "A \"quoted\" one.");
  CHECK(fabric.cards == 8);
  CHECK(fabric.card_bytes_per_s == 48.7e9);
  CHECK(fabric.network_latency_s == 1.7e-6);
  CHECK(fabric.burst_bytes == 256000);
  CHECK(fabric.nodes_per_switch == 16);
  CHECK(fabric.oversubscription == 2);
  CHECK(fabric.slot_bytes_per_s == 55e9);
  CHECK(fabric.neighbour_bytes_per_s == 360e9);
  CHECK(fabric.node_latency_s == 3e-6);
  CHECK(fabric.message_s == 0.3e-6);
  CHECK(fabric.send_s_per_byte == 0.11 / 1e9);
  CHECK(fabric.receive_s_per_byte == 0.23 / 1e9);
  CHECK(fabric.nodes_per_machine == 4);
  CHECK(fabric.cores == 2);
  CHECK(fabric.oversubscription_slowdown == 1.25);
}

TEST_CASE("a fabric that is written and read is the same and is written the same") {
  for (const std::string& text : {kSmallest, kEverything}) {
    const std::string once = fabric_text(parse_fabric(text, "f.toml"));
    const Fabric again = parse_fabric(once, "again");
    CHECK(fabric_text(again) == once);
    CHECK(again.network_latency_s == parse_fabric(text, "f.toml").network_latency_s);
    CHECK(again.receive_s_per_byte == parse_fabric(text, "f.toml").receive_s_per_byte);
  }
  CHECK(fabric_text(parse_fabric(kSmallest, "f.toml")) ==
        "[fabric]\nname = \"x\"\n\n[network]\nbytes_per_s = 1000000000.0\nlatency_us = 2.5\n\n");
}

TEST_CASE("mistakes in a fabric are told with their place and what is allowed") {
  const std::vector<Mistake> mistakes = {
      {"", "f.toml: no fabric is described here; allowed: a file with a heading [fabric] (docs/scaling.md)"},
      {"[fabric]\n",
       "f.toml:1:2: fabric.name is missing; allowed: a name of at most 100 letters, digits, '.', '_' and "
       "'-', not \".\" or \"..\""},
      {"[fabric]\nname = \"x\"\n",
       "f.toml: network.bytes_per_s is missing; allowed: a number, at least 1 and at most 1000000000000000"},
      {"[fabric]\nname = \"x\"\n[network]\nbytes_per_s = 1e9\n",
       "f.toml:3:2: network.latency_us is missing; allowed: a number, at least 0 and at most 1000000"},
      {kSmallest + "card = 2\n",
       "f.toml:6:1: unknown key network.card; allowed in network: cards, bytes_per_s, latency_us, "
       "burst_bytes, nodes_per_switch, oversubscription; did you mean network.cards?"},
      {kSmallest + "cards = 0\n",
       "f.toml:6:9: network.cards is 0; allowed: an integer, at least 1 and at most 64"},
      {kSmallest + "cards = 1.5\n",
       "f.toml:6:9: network.cards is 1.5; allowed: an integer, at least 1 and at most 64"},
      {kSmallest + "[node]\nlatency_us = nan\n",
       "f.toml:7:14: node.latency_us is nan; allowed: a number, at least 0 and at most 1000000"},
      {kSmallest + "[node]\nlatency_us = \"8us\"\n",
       "f.toml:7:14: node.latency_us is \"8us\"; allowed: a number, at least 0 and at most 1000000"},
      {kSmallest + "[node]\nslot_bytes_per_s = 1e-300\n",
       "f.toml:7:20: node.slot_bytes_per_s is 1e-300; allowed: 0, or at least 1"},
      {kSmallest + "oversubscription = 2\n",
       "f.toml:6:20: network.oversubscription has no effect with network.nodes_per_switch = 0; allowed with "
       "at least 1"},
      {kSmallest + "[machine]\nnodes = 2\n", "f.toml:7:9: machine.nodes has no effect without machine.cores"},
      {kSmallest + "[nodes]\n",
       "f.toml:6:2: unknown section nodes; allowed: workload, memory, codec, layer, fabric, network, node, "
       "engine, machine; did you mean node?"},
      {kSmallest + "[[engine]]\n", "f.toml:6:1: engine is an array; allowed: [engine]"},
      {kSmallest + "[engine\n", "f.toml:6:8: not valid TOML: "},
  };
  for (const Mistake& mistake : mistakes) {
    CAPTURE(mistake.text);
    CHECK(message(mistake.text).substr(0, mistake.message.size()) == mistake.message);
  }
}

TEST_CASE("a key of a fabric that was renamed is refused with its new name") {
  CHECK(message(kSmallest + "[machine]\ncores = 2\ncrowding = 1.25\n") ==
        "f.toml:8:1: machine.crowding is called machine.oversubscription_slowdown now");
}

TEST_CASE("a fabric may share its file with a workload whose mistakes are told as well") {
  const std::string workload = R"([workload]
name = "w"
device = "host"
batch = 32
[[layer]]
name = "fc"
parameters = 10
forward_ms = 1
backward_ms = 2
)";
  const std::string both = kSmallest + workload;
  CHECK(parse_fabric(both, "f.toml").name == "x");
  CHECK(runtime::scale::parse_workload(both, "f.toml").name == "w");
  CHECK(message(both + "forward = 2\n") ==
        "f.toml:15:1: unknown key layer[0].forward; allowed in layer: name, parameters, forward_ms, "
        "backward_ms");
  CHECK(message(workload) ==
        "f.toml: no fabric is described here; allowed: a file with a heading [fabric] (docs/scaling.md)");
}

TEST_CASE("a fabric file that is absent or too large or too deep is refused") {
  const test::Scratch scratch;
  CHECK_THROWS_AS(read_fabric(scratch / "none.toml"), base::ConfigError);
  CHECK_THROWS_AS(
      read_fabric(scratch.file("large.toml", std::string(runtime::config::kLargestFile + 1, '#'))),
      base::ConfigError);
  CHECK(message(kSmallest + "cards = " + std::string(17, '[')) ==
        "f.toml:6: nested too deeply; allowed: 16 levels");
  CHECK(read_fabric(scratch.file("good.toml", kSmallest)).name == "x");
}
