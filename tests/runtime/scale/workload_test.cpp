#include "runtime/scale/workload.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/test.hpp"

using namespace eightfold;
using quant8::Format;
using runtime::scale::CodecCost;
using runtime::scale::Workload;

namespace {

Workload two_layers() {
  Workload workload;
  workload.name = "two";
  workload.batch = 100;
  workload.layers = {{"a", 10, 0.1, 0.2}, {"b", 30, 0.3, 0.4}};
  workload.other_s = 0.05;
  workload.update_s_per_parameter = 0.001;
  workload.memory_bytes_per_s = 1000;
  workload.codec_share = 0.5;
  workload.codecs = {{Format::bf16, 0.25, 0.125}};
  return workload;
}

}  // namespace

TEST_CASE("a step is forward and backward passes and the update and the rest") {
  CHECK(two_layers().parameters() == 40);
  CHECK(two_layers().step_s() == Approx(0.1 + 0.2 + 0.3 + 0.4 + 0.05 + 0.04));
}

TEST_CASE("a codec that is listed costs what is listed") {
  const CodecCost cost = two_layers().codec_cost(Format::bf16);
  CHECK(cost.format == Format::bf16);
  CHECK(cost.encode_s == 0.25);
  CHECK(cost.decode_s == 0.125);
}

TEST_CASE("a codec that is not listed moves its bytes at its fraction of the memory rate") {
  const Workload workload = two_layers();
  for (const auto& [format, bytes] : {std::pair(Format::fp32, 8.0), std::pair(Format::fp16, 6.0),
                                      std::pair(Format::dynamic_tree8, 5.0), std::pair(Format::linear8, 5.0),
                                      std::pair(Format::linear4, 4.5), std::pair(Format::one_bit, 4.125)}) {
    const CodecCost cost = workload.codec_cost(format);
    CHECK(cost.format == format);
    CHECK(cost.encode_s == Approx(bytes / 500));
    CHECK(cost.decode_s == cost.encode_s);
  }
}

TEST_CASE("without a memory rate only listed codecs have a cost") {
  Workload workload = two_layers();
  workload.memory_bytes_per_s = 0;
  CHECK(workload.codec_cost(Format::bf16).encode_s == 0.25);
  CHECK_THROWS_WITH(workload.codec_cost(Format::linear8),
                    "workload two does not say what linear8 costs; allowed: a [[codec]] with format = "
                    "\"linear8\", or memory.bytes_per_s");
}

TEST_CASE("another batch changes all times in proportion but those of the update and the codecs") {
  const Workload half = two_layers().with_batch(50);
  CHECK(half.batch == 50);
  CHECK(half.parameters() == 40);
  CHECK(half.step_s() == Approx((0.1 + 0.2 + 0.3 + 0.4 + 0.05) / 2 + 0.04));
  CHECK(half.codec_cost(Format::bf16).encode_s == 0.25);
  CHECK(half.codec_cost(Format::linear8).encode_s == two_layers().codec_cost(Format::linear8).encode_s);
}
