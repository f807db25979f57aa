// bench collective and bench link from outside: rows, keys, refusals, and the calibration between the two.
#include "tests/launch/program.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <set>

using namespace eightfold::test;

namespace {

using Json = nlohmann::ordered_json;
using Names = std::vector<std::string>;

Json rows_of(const Scratch& here, const std::string& file) {
  return Json::parse(contents_of(here / file)).at("rows");
}

Names keys_of(const Json& row) {
  Names keys;
  for (const auto& [key, value] : row.items()) keys.push_back(key);
  return keys;
}

Finished bench(const Scratch& here, int ranks, Names arguments) {
  arguments.insert(arguments.begin(), "bench");
  arguments.insert(arguments.end(), {"--repeats", "1"});
  return run_program(arguments, ranks, here.path());
}

}  // namespace

TEST_CASE("bench collective measures what exists, verifies it, and names what it leaves out") {
  const Scratch here;
  for (const int ranks : {1, 2, 3}) {
    const Finished finished =
        bench(here, ranks,
              {"collective", "--device", "host", "--algorithm",
               "two_shot,ring,recursive_doubling,hierarchical,auto,mpi,mpi:4", "--codec",
               "fp32,dynamic-tree8,one-bit", "--sizes", "4B,1028B,65540B", "--json", "rows.json"});
    const Json rows = rows_of(here, "rows.json");
    CAPTURE(ranks, finished.out);
    // 5 algorithms with 3 formats, but recursive_doubling with fp32 alone; and two libraries.
    CHECK(rows.size() == 3 * (4 * 3 + 1 + 2));
    CHECK(lines_with(finished.out, "result size_bytes=").size() == rows.size());
    CHECK(lines_with(finished.err, "left out: ").size() == 2 + 2 * 2);
    CHECK(lines_with(finished.err, "left out: mpi:4 with one-bit: libraries add fp32 numbers").size() == 1);
    for (const Json& row : rows) {
      CHECK(keys_of(row) == Names{"size_bytes", "ranks", "algorithm", "codec", "time_us", "bound_us",
                                  "algbw_gbytes_per_s", "busbw_gbytes_per_s", "wire_bytes", "nmse", "wrong"});
      CHECK(row.at("wrong") == 0);
      CHECK(row.at("ranks") == ranks);
      CHECK((row.at("wire_bytes") == 0) == (row.at("bound_us") == 0));
    }
  }
}

TEST_CASE("errors of a sum are those of its codec, none of a library's exact sums") {
  const Scratch here;
  bench(here, 2,
        {"collective", "--device", "host", "--algorithm", "two_shot,mpi", "--codec", "fp32,linear8",
         "--sizes", "256KiB", "--json", "rows.json"});
  for (const Json& row : rows_of(here, "rows.json")) {
    const double nmse = row.at("nmse").get<double>();
    CAPTURE(row.dump());
    if (row.at("algorithm") == "mpi") CHECK(nmse == 0);
    if (row.at("codec") == "fp32") CHECK(nmse < 1e-12);
    if (row.at("codec") == "linear8") CHECK((nmse > 3e-5 && nmse < 1.5e-4));
  }
}

TEST_CASE("bench link measures pairs and all ranks at once, and auto chooses by what it wrote") {
  const Scratch here;
  const Finished finished = bench(here, 3,
                                  {"link", "--device", "host", "--pairs", "all", "--sizes", "4KiB,8B",
                                   "--calibration", "cluster.json", "--json", "rows.json"});
  const Json rows = rows_of(here, "rows.json");
  REQUIRE(rows.size() == 4);  // three pairs, and everybody
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(keys_of(rows[i]) == Names{"pattern", "first", "second", "link", "latency_us",
                                    "one_way_gbytes_per_s", "both_ways_gbytes_per_s", "alpha_us",
                                    "beta_ns_per_byte"});
    CHECK(rows[i].at("link") == "same_node");
    CHECK(rows[i].at("latency_us").get<double>() > 0);
  }
  CHECK(keys_of(rows[3]) == Names{"pattern", "ranks", "size_bytes", "time_us", "goodput_gbytes_per_s"});

  const Json calibration = Json::parse(contents_of(here / "cluster.json"));
  CHECK(calibration.at("ranks") == 3);
  CHECK(calibration.at("links").at("other_node").is_null());
  CHECK(calibration.at("codecs").size() == 11);
  std::set<std::string> algorithms;
  for (const Json& time : calibration.at("allreduces")) algorithms.insert(time.at("algorithm"));
  CHECK(algorithms == std::set<std::string>{"mpi", "two_shot", "hierarchical", "ring", "recursive_doubling"});

  const Finished chosen = bench(here, 3,
                                {"collective", "--device", "host", "--algorithm", "auto", "--codec",
                                 "linear8", "--sizes", "4KiB", "--calibration", "cluster.json"});
  CHECK(lines_with(chosen.err, "by the calibration of").size() >= 1);
}

TEST_CASE("a job's algorithm auto chooses by the calibration that the job names") {
  const Scratch here;
  here.file("job.toml", kTinyJob);
  bench(here, 2, {"link", "--device", "host", "--sizes", "8B,4KiB", "--calibration", "cluster.json"});
  const auto train = [&](int ranks, const std::string& file) {
    return run(program({"train", "job.toml", "--set", "exchange.algorithm=auto", "--set",
                        "exchange.calibration=" + file, "--set", "data.train=640", "--set", "data.test=64"},
                       ranks, here.path()));
  };
  const Finished chosen = train(2, "cluster.json");
  CAPTURE(chosen.err);
  CHECK(chosen.status == 0);
  CHECK(lines_with(chosen.err, "by the calibration of").size() == 1);
  const Finished other = train(3, "cluster.json");
  CHECK(other.status == 0);
  CHECK(lines_with(other.err, "the calibration is of 2 ranks on 1 node, the job has 3 on 1").size() == 1);
  const Finished none = train(2, "nowhere.json");
  CHECK(none.status == 3);
  CHECK(lines_with(none.err, "error: ").size() == 1);
  CHECK(lines_with(none.err, "cannot read nowhere.json").size() == 1);
}

TEST_CASE("what bench link and bench collective cannot do is refused by one rank in one line") {
  const Scratch here;
  here.file("wrong.json", "{}");
  const auto refusal = [&](const Names& arguments, int ranks) {
    const Finished finished = run(program(arguments, ranks, here.path()));
    CHECK(finished.status != 0);
    const Names lines = lines_with(finished.err, "error: ");
    REQUIRE(lines.size() == 1);
    return lines.front();
  };
  const auto names = [](const std::string& line, const std::string& part) {
    return line.find(part) != std::string::npos;
  };
  CHECK(names(refusal({"bench", "link"}, 0), "mpirun -np 2 or more"));
  CHECK(names(refusal({"bench", "link", "--sizes", "8B"}, 2), "need two sizes at least"));
  CHECK(names(refusal({"bench", "link", "--pairs", "some"}, 2), "it is nodes or all"));
  CHECK(names(refusal({"bench", "link", "--calibration", "/nowhere/c.json"}, 2),
              "--calibration: cannot write"));
  CHECK(names(refusal({"bench", "collective", "--algorithm", "two_shots"}, 2), "there are mpi, mpi:1"));
  CHECK(names(refusal({"bench", "collective", "--codec", "int8"}, 2), "--codec int8: there are fp32"));
  CHECK(names(refusal({"bench", "collective", "--sizes", "3B"}, 2), "a size is that of fp32 values"));
  CHECK(names(refusal({"bench", "collective", "--algorithm", "mpi", "--codec", "bf16"}, 2),
              "there is nothing left to measure"));
  CHECK(names(refusal({"bench", "collective", "--algorithm", "auto", "--calibration", "wrong.json"}, 2),
              "wrong.json: this is no eightfold-calibration"));
}
