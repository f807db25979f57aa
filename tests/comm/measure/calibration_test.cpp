#include "comm/measure/calibration.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/test.hpp"

using namespace eightfold;
using comm::measure::Calibration;

namespace {

Calibration example() {
  Calibration made;
  made.machine = "a processor with a \"name\"";
  made.device = "host";
  made.hosts = {"fold1", "fold2"};
  made.date = "2026-11-21T09-30-05Z";
  made.ranks = 4;
  made.nodes = 2;
  made.same_node = comm::measure::LinkModel{1.0 / 3e6, 1e10 / 3};
  made.other_node = comm::measure::LinkModel{0, 118e6};
  made.exchange_bytes_per_s = 1.175e8;
  made.codecs = {{quant8::Format::linear8, 9e9, 1.1e10}, {quant8::Format::fp32, 1.2e10, 1.3e10}};
  made.allreduces = {{"two_shot", quant8::Format::linear8, std::size_t{1} << 40, 0.1}};
  return made;
}

// The text of the example with one part replaced.
std::string altered(const std::string& part, const std::string& by) {
  std::string text = calibration_text(example());
  const std::size_t place = text.find(part);
  REQUIRE(place != std::string::npos);
  return text.replace(place, part.size(), by);
}

std::string complaint(const std::string& text) {
  try {
    comm::measure::parse_calibration("here.json", text);
  } catch (const base::DataError& error) {
    return error.what();
  }
  return "none";
}

void check_complaint(const std::string& text, const std::string& part) {
  const std::string said = complaint(text);
  CAPTURE(said, part);
  CHECK(said.starts_with("here.json: "));
  CHECK(said.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("a calibration that an earlier program has written is read") {
  const Calibration read = comm::measure::parse_calibration("here.json", R"json({
  "format": "eightfold-calibration",
  "version": 1,
  "machine": "Intel(R) Xeon(R) Processor",
  "device": "host (built without CUDA)",
  "hosts": ["fold1", "fold2"],
  "date": "2026-11-21T09-30-05Z",
  "ranks": 2,
  "nodes": 2,
  "links": {"same_node": null, "other_node": {"latency_s": 2.8e-05, "bytes_per_s": 23900000.0}},
  "exchange_bytes_per_s": 23888830.4,
  "codecs": [{"format": "bf16", "encode_bytes_per_s": 1e10, "decode_bytes_per_s": 9e9}],
  "allreduces": [{"algorithm": "mpi", "format": "fp32", "size_bytes": 4096, "time_s": 0.0006}]
})json");
  CHECK(read.other_node == comm::measure::LinkModel{2.8e-5, 2.39e7});
  CHECK(read.exchange_bytes_per_s == 23888830.4);
  CHECK(read.codecs.size() == 1);
  CHECK(read.allreduces.size() == 1);
}

TEST_CASE("a calibration is read back to the bit, with links that there are not, too") {
  CHECK(comm::measure::parse_calibration("here.json", calibration_text(example())) == example());
  Calibration alone = example();
  alone.same_node.reset();
  alone.codecs.clear();
  CHECK(comm::measure::parse_calibration("here.json", calibration_text(alone)) == alone);
}

TEST_CASE("what is wrong in a calibration is named with its place and what is allowed") {
  check_complaint("{", "this is not JSON");
  check_complaint("[]", "this is no eightfold-calibration of version 1");
  check_complaint(altered("\"version\": 1", "\"version\": 2"),
                  "this is no eightfold-calibration of version 1");
  check_complaint(altered("\"ranks\": 4", "\"ranks\": 0"), "ranks is 0, an integer from 1");
  check_complaint(altered("\"ranks\": 4", "\"ranks\": 4, \"rangs\": 4"), "\"rangs\" means nothing here");
  check_complaint(altered("\"machine\": ", "\"machine\": 1, \"machin\": "), "\"machin\" means nothing here");
  check_complaint(altered("\"device\": \"host\"", "\"device\": 5"), "device is 5, a text is needed");
  check_complaint(altered("\"fold1\"", "1"), "hosts: 1 is no host's name");
  check_complaint(altered("118000000.0", "0"), "links: other_node: bytes_per_s is 0, it must be above 0");
  check_complaint(altered("\"latency_s\": 0.0", "\"latency_s\": -1"), "it must not be negative");
  check_complaint(altered("\"latency_s\": 0.0,", ""), "\"latency_s\" is missing");
  check_complaint(altered("\"linear8\"", "\"linear9\""), "codecs[0]: format is \"linear9\"; the formats are");
  check_complaint(altered("117500000.0", "null"), "exchange_bytes_per_s is null, a number is needed");
}
