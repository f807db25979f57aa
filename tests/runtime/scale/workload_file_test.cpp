#include "runtime/scale/workload_file.hpp"

#include "runtime/config/limits.hpp"
#include "tests/runtime/scale/message.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <fmt/format.h>

using namespace eightfold;
using quant8::Format;
using runtime::scale::kMostLayers;
using runtime::scale::parse_workload;
using runtime::scale::read_workload;
using runtime::scale::Workload;
using runtime::scale::workload_text;
using runtime::scale::WorkloadDevice;

namespace {

const std::string kHead = "[workload]\nname = \"w\"\ndevice = \"cuda\"\nbatch = 128\n";
const std::string kLayer =
    "[[layer]]\nname = \"conv1\"\nparameters = 23296\nforward_ms = 3.49\nbackward_ms = 6.98\n";
// Ends in line 9, inside the layer.
const std::string kSmallest = kHead + kLayer;

const std::string kEverything = R"([workload]
name = "every-key"
description = "of a test"
machine = "host one, 2 cores"
date = "2026-01-31"
device = "host"
batch = 64
other_ms = 0.7
update_ns_per_parameter = 0.069
[memory]
bytes_per_s = 288e9
codec_share = 0.5
[[codec]]
format = "dynamic-tree8"
encode_ns = 0.104
decode_ns = 0.051
[[codec]]
format = "bf16"
encode_ns = 0.2
decode_ns = 0
[[layer]]
name = "pool 1"
parameters = 0
forward_ms = 0.1
backward_ms = 0.3
)" + kLayer;

std::string message(const std::string& text) {
  return test::message_of([&] { parse_workload(text, "w.toml"); });
}

std::string many_layers(std::size_t count) {
  std::string text = kHead + "layer = [\n";
  for (std::size_t i = 0; i < count; ++i) text += "{name=\"l\",parameters=1,forward_ms=1,backward_ms=1},\n";
  // The list comes before the table that it would else belong to.
  return text.substr(kHead.size()) + "]\n" + kHead;
}

struct Mistake {
  std::string text;
  std::string message;
};

}  // namespace

TEST_CASE("a workload of the smallest file leaves out what is not said") {
  const Workload workload = parse_workload(kSmallest, "w.toml");
  CHECK(workload.name == "w");
  CHECK(workload.device == WorkloadDevice::cuda);
  CHECK(workload.batch == 128);
  CHECK(workload.machine.empty());
  CHECK(workload.other_s == 0);
  CHECK(workload.update_s_per_parameter == 0);
  CHECK(workload.memory_bytes_per_s == 0);
  CHECK(workload.codecs.empty());
  REQUIRE(workload.layers.size() == 1);
  CHECK(workload.layers[0].name == "conv1");
  CHECK(workload.layers[0].parameters == 23296);
  CHECK(workload.layers[0].forward_s == 0.00349);
  CHECK(workload.layers[0].backward_s == 0.00698);
}

TEST_CASE("every key of a workload reaches its field in seconds and bytes") {
  const Workload workload = parse_workload(kEverything, "w.toml");
  CHECK(workload.description == "of a test");
  CHECK(workload.machine == "host one, 2 cores");
  CHECK(workload.date == "2026-01-31");
  CHECK(workload.device == WorkloadDevice::host);
  CHECK(workload.batch == 64);
  CHECK(workload.other_s == 0.7e-3);
  CHECK(workload.update_s_per_parameter == 0.069 / 1e9);
  CHECK(workload.memory_bytes_per_s == 288e9);
  CHECK(workload.codec_share == 0.5);
  REQUIRE(workload.codecs.size() == 2);
  CHECK(workload.codecs[0].format == Format::dynamic_tree8);
  CHECK(workload.codecs[0].encode_s == 0.104 / 1e9);
  CHECK(workload.codecs[0].decode_s == 0.051 / 1e9);
  CHECK(workload.codecs[1].format == Format::bf16);
  REQUIRE(workload.layers.size() == 2);
  CHECK(workload.layers[0].name == "pool 1");
  CHECK(workload.layers[0].parameters == 0);
}

TEST_CASE("a codec may be as slow as kernels interpreted under a sanitizer") {
  const std::string slow = "[[codec]]\nformat = \"one-bit\"\nencode_ns = 2737.5\ndecode_ns = 9000\n";
  CHECK(parse_workload(kSmallest + slow, "w.toml").codecs[0].decode_s == 9e-6);
}

TEST_CASE("a workload that is written and read is the same and is written the same") {
  for (const std::string& text : {kSmallest, kEverything}) {
    const Workload workload = parse_workload(text, "w.toml");
    const std::string once = workload_text(workload);
    const Workload again = parse_workload(once, "again");
    CHECK(workload_text(again) == once);
    CHECK(again.step_s() == workload.step_s());
    CHECK(again.machine == workload.machine);
    CHECK(again.codecs.size() == workload.codecs.size());
  }
  CHECK(workload_text(parse_workload(kSmallest, "w.toml")) ==
        "[workload]\nname = \"w\"\ndevice = \"cuda\"\nbatch = 128\n\n[[layer]]\nname = \"conv1\"\n"
        "parameters = 23296\nforward_ms = 3.49\nbackward_ms = 6.98\n\n");
}

TEST_CASE("times that were measured survive being written to the last digits that are read") {
  Workload workload = parse_workload(kSmallest, "w.toml");
  for (const double seconds : {1.0 / 3, 0.0123456789012345678, 1e-9, 7.77e-4, 123.456}) {
    workload.layers[0].forward_s = seconds;
    const Workload again = parse_workload(workload_text(workload), "again");
    CHECK(again.layers[0].forward_s == Approx(seconds).epsilon(1e-15));
    CHECK(workload_text(again) == workload_text(workload));
  }
}

TEST_CASE("mistakes in a workload are told with their place and what is allowed") {
  const std::vector<Mistake> mistakes = {
      {"",
       "w.toml: no workload is described here; allowed: a file with a heading [workload] (docs/scaling.md)"},
      {"[workload]\nname = \"w\"\ndevice = \"cuda\"\n",
       "w.toml:1:2: workload.batch is missing; allowed: an integer, at least 1 and at most 1000000000"},
      {"[workload]\nname = \"w\"\ndevice = \"gpu\"\nbatch = 1\n",
       "w.toml:3:10: workload.device is \"gpu\"; allowed: \"host\", \"cuda\""},
      {kHead, "w.toml: layer is missing; allowed: one heading [[layer]] per layer"},
      {kHead + "[layer]\n", "w.toml:5:1: layer is a table; allowed: [[layer]], one heading per layer"},
      {kHead + "batches = 1\n",
       "w.toml:5:1: unknown key workload.batches; allowed in workload: name, description, machine, date, "
       "device, batch, other_ms, update_ns_per_parameter; did you mean workload.batch?"},
      {kHead + "bytes_per_s = 1e9\n",
       "w.toml:5:1: unknown key workload.bytes_per_s; allowed in workload: name, description, machine, date, "
       "device, batch, other_ms, update_ns_per_parameter; did you mean memory.bytes_per_s?"},
      {kHead + "[[layer]]\nname = \"a\"\nparameters = 0\nforward_ms = 1\nbackward_ms = 1\n",
       "w.toml: no layer has parameters; allowed: layers with at least 1 in all"},
      {kSmallest + "[[layer]]\nname = \"b\"\nforward_ms = 1\nbackward_ms = 1\n",
       "w.toml:10:1: layer[1].parameters is missing; allowed: an integer, at least 0 and at most "
       "1000000000000"},
      {kSmallest + "[[layer]]\nname = \"b\"\nforward_ms = -1\n",
       "w.toml:12:14: layer[1].forward_ms is -1; allowed: a number, at least 0 and at most 1000000"},
      {kSmallest + "[[layer]]\nname = \"\"\n",
       "w.toml:11:8: layer[1].name is \"\"; allowed: a string without control characters, not empty"},
      {kSmallest + "[[codec]]\nformat = \"dynamic-tre8\"\n",
       "w.toml:11:10: codec[0].format is \"dynamic-tre8\"; allowed: \"fp32\", \"bf16\", \"fp16\", "
       "\"dynamic-tree8\", \"linear8\", \"static-tree8\", \"mantissa8\", \"fp8-e4m3\", \"fp8-e5m2\", "
       "\"linear4\", \"one-bit\"; did you mean \"dynamic-tree8\"?"},
      {kSmallest +
           "[[codec]]\nformat = \"bf16\"\nencode_ns = 1\ndecode_ns = 1\n[[codec]]\nformat = \"bf16\"\n"
           "encode_ns = 1\ndecode_ns = 1\n",
       "w.toml:15:10: codec[1].format is \"bf16\", as is codec[0].format; allowed: each once"},
      {kSmallest + "[memory]\ncodec_share = 0\n",
       "w.toml:11:15: memory.codec_share is 0; allowed: a number, at least 0.001 and at most 1"},
      {kSmallest + "[memory]\nbytes_per_s = inf\n",
       "w.toml:11:15: memory.bytes_per_s is inf; allowed: a number, at least 0 and at most 1000000000000000"},
      {kSmallest + "[network]\ncard = 1\n",
       "w.toml:11:1: unknown key network.card; allowed in network: cards"},
  };
  for (const Mistake& mistake : mistakes) {
    CAPTURE(mistake.text);
    CHECK(message(mistake.text).substr(0, mistake.message.size()) == mistake.message);
  }
}

TEST_CASE("a workload has ten thousand layers at most") {
  CHECK(parse_workload(many_layers(kMostLayers), "w.toml").parameters() == 10'000);
  CHECK(message(many_layers(kMostLayers + 1)) == "w.toml: 10001 layers are too many; allowed: 10000");
}

TEST_CASE("a workload file that is absent or too large or too deep is refused") {
  const test::Scratch scratch;
  CHECK_THROWS_AS(read_workload(scratch / "none.toml"), base::ConfigError);
  CHECK_THROWS_AS(
      read_workload(scratch.file("large.toml", std::string(runtime::config::kLargestFile + 1, '#'))),
      base::ConfigError);
  CHECK(message(kSmallest + "[memory]\nbytes_per_s = " + std::string(17, '{')) ==
        "w.toml:11: nested too deeply; allowed: 16 levels");
  CHECK(read_workload(scratch.file("good.toml", kSmallest)).name == "w");
}
