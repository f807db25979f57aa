#include "tests/launch/program.hpp"
#include "tests/launch/refusals.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <fmt/ranges.h>

using namespace eightfold::test;
using Json = nlohmann::ordered_json;
using Names = std::vector<std::string>;

namespace {

Names bench_codec(const Names& options) {
  Names arguments{"bench", "codec", "--repeats", "2"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  return arguments;
}

}  // namespace

TEST_CASE("bench codec has a row for each format and size, with fixed keys and sensible numbers") {
  const Scratch here;
  const Finished bench = run_program(
      bench_codec({"--formats", "linear8,one-bit", "--sizes", "64KiB,4KiB", "--json", "rows.json"}), 0,
      here.path());
  const Json file = Json::parse(contents_of(here / "rows.json"));
  CHECK(file["environment"]["device"] == "host");
  REQUIRE(file["rows"].size() == 4);
  CHECK(lines_with(bench.out, "result format=").size() == 4);
  const Names keys{"format",
                   "elements",
                   "block",
                   "encode_gbytes_per_s",
                   "decode_gbytes_per_s",
                   "fused_gbytes_per_s",
                   "read_gbytes_per_s",
                   "fill_gbytes_per_s",
                   "memcpy_gbytes_per_s",
                   "mre",
                   "nmse",
                   "bias"};
  for (std::size_t i = 0; i < 4; ++i) {
    const Json& row = file["rows"][i];
    Names found;
    for (const auto& [key, value] : row.items()) found.push_back(key);
    CHECK(found == keys);
    CHECK(row["format"] == (i % 2 == 0 ? "linear8" : "one-bit"));
    CHECK(row["elements"] == (i < 2 ? 16384 : 1024));
    CHECK(row["block"] == 256);
    for (std::size_t key = 3; key < 9; ++key) CHECK(row[keys[key]] > 0);
  }
  CHECK(file["rows"][0]["nmse"] > 3e-5);
  CHECK(file["rows"][0]["nmse"] < 7e-5);
  CHECK(result_of(bench).at("format") == "one-bit");
}

TEST_CASE("bench codec verifies every format, at a size that nothing divides") {
  const Scratch here;
  const Names formats{"fp32",      "bf16",     "fp16",     "dynamic-tree8", "linear8", "static-tree8",
                      "mantissa8", "fp8-e4m3", "fp8-e5m2", "linear4",       "one-bit"};
  for (const std::string block : {"256", "tensor"})
    for (const std::string data : {"normal", "uniform", "heavy-tailed"}) {
      const Finished bench =
          run_program(bench_codec({"--formats", fmt::format("{}", fmt::join(formats, ",")), "--sizes",
                                   "4B,4012B", "--block", block, "--data", data}),
                      0, here.path());
      CHECK(lines_with(bench.out, fmt::format(" block={} ", block)).size() == 22);
      CHECK(
          lines_with(bench.out, "format=fp32 elements=1003 ").front().ends_with("mre=0.0 nmse=0.0 bias=0.0"));
    }
}

TEST_CASE("bench codec says what formats, sizes, blocks and data there are") {
  check_refusals({
      {"an unknown format",
       {"bench", "codec", "--formats", "linear9"},
       2,
       {"--formats linear9", "fp32, bf16"}},
      {"a size that is not of fp32 values", {"bench", "codec", "--sizes", "10B"}, 2, {"--sizes 10B", "4KiB"}},
      {"no size", {"bench", "codec", "--sizes", "0"}, 2, {"--sizes 0", "4KiB"}},
      {"an unknown block", {"bench", "codec", "--block", "128"}, 2, {"--block 128", "256 or tensor"}},
      {"unknown data", {"bench", "codec", "--data", "many"}, 2, {"--data many", "uniform"}},
      {"two ranks", {"bench", "codec"}, 2, {"without mpirun"}, [](const Scratch&) {}, 2},
  });
}
