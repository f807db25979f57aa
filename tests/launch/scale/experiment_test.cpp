#include "launch/scale/experiment.hpp"

#include "tests/support/test.hpp"

#include <algorithm>

using namespace eightfold;
using namespace eightfold::launch;

namespace {

using runtime::scale::BatchPolicy;
using runtime::scale::Point;
using Words = std::vector<std::string>;

const scale::ExperimentAxes kAxes = {
    {1, 4}, {2}, {"none", "fp32"}, {"two_shot", "ring"}, {BatchPolicy::strong}, 96, 7};
const scale::ExperimentBench kBench = {"/bin/eightfold", "/job.toml", "/r.json", {"job.threads=1"}, 20, 5};

}  // namespace

TEST_CASE("every combination is a point, and without an exchange there is no algorithm") {
  const std::vector<Point> points = scale::points_of(kAxes);
  REQUIRE(points.size() == 6);
  CHECK(points[0] == Point{1, 2, "none", "none", BatchPolicy::strong, 96});
  CHECK(points[1] == Point{1, 2, "fp32", "two_shot", BatchPolicy::strong, 96});
  CHECK(points[2] == Point{1, 2, "fp32", "ring", BatchPolicy::strong, 96});
  CHECK(points[5] == Point{4, 2, "fp32", "ring", BatchPolicy::strong, 96});
}

TEST_CASE("one rank exchanges nothing, and is one point whatever the codecs and algorithms") {
  scale::ExperimentAxes axes = kAxes;
  axes.ranks_per_node = {1};
  axes.codecs = {"fp32", "bf16", "none"};
  const std::vector<Point> points = scale::points_of(axes);
  REQUIRE(points.size() == 1 + 5);
  CHECK(points[0] == Point{1, 1, "none", "none", BatchPolicy::strong, 96});
  CHECK(launch::scale::describe(points[0]) == "1 rank, no exchange, strong, 96 samples");
  CHECK(launch::scale::describe(points[1]) == "4 nodes x 1, fp32 by two_shot, strong, 96 samples");
}

TEST_CASE("what is asked for twice is a point once") {
  scale::ExperimentAxes axes = kAxes;
  axes.nodes = {4, 1, 4};
  CHECK(scale::points_of(axes).size() == 6);
}

TEST_CASE("strong batches are those of all ranks, weak ones grow with them") {
  scale::ExperimentAxes axes = kAxes;
  axes.policies = {BatchPolicy::strong, BatchPolicy::weak};
  for (const Point& point : scale::points_of(axes)) {
    CAPTURE(launch::scale::describe(point));
    CHECK(point.global_batch == (point.policy == BatchPolicy::strong ? 96 : 7 * point.ranks()));
  }
}

TEST_CASE("points take turns") {
  const std::vector<Point> points = scale::points_of(kAxes);
  const std::vector<scale::PointStart> starts = scale::starts_of(points, 3);
  REQUIRE(starts.size() == 18);
  for (std::size_t i = 0; i < starts.size(); ++i) {
    CHECK(starts[i].point == points[i % 6]);
    CHECK(starts[i].repeat == static_cast<int>(i / 6));
  }
}

TEST_CASE("a point is measured by bench step") {
  CHECK(scale::bench_command(kBench, {2, 1, "bf16", "ring", BatchPolicy::weak, 64}) ==
        Words{"/bin/eightfold", "bench", "step", "/job.toml", "--set", "job.threads=1", "--set",
              "job.global_batch=64", "--exchange", "codec=bf16,algorithm=ring", "--steps", "20", "--warmup",
              "5", "--json", "/r.json"});
  const Words alone = scale::bench_command(kBench, {2, 1, "none", "none", BatchPolicy::weak, 64});
  CHECK(*(std::ranges::find(alone, "--exchange") + 1) == "none");
}

TEST_CASE("an experiment is its job, length and launcher, not what points decide") {
  const auto name = [](const runtime::config::JobConfig& job, const scale::ExperimentBench& bench = kBench,
                       const std::string& launcher = "srun", const Words& arguments = {}) {
    return scale::experiment_name(job, bench, launcher, arguments);
  };
  runtime::config::JobConfig job;
  const std::string reference = name(job);
  runtime::config::JobConfig same = job;
  same.job.global_batch = 4096;
  same.exchange.codec = runtime::config::Codec::bf16;
  same.exchange.algorithm = "ring";
  CHECK(name(same) == reference);

  runtime::config::JobConfig other = job;
  other.job.threads = 3;
  scale::ExperimentBench longer = kBench, warmer = kBench, elsewhere = kBench;
  longer.steps = 21;
  warmer.warmup = 6;
  elsewhere.job = "/a/copy.toml";
  for (const std::string& each : {name(other), name(job, longer), name(job, warmer),
                                  name(job, kBench, "mpirun"), name(job, kBench, "srun", {"--exclusive"})})
    CHECK(each != reference);
  CHECK(name(job, elsewhere) == reference);
}
