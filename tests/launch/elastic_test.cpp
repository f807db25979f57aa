// A job that loses ranks on its way, 4, then 3, then 2, is the same job.
#include "runtime/checkpoint/store.hpp"
#include "tests/launch/program.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <cmath>

using namespace eightfold;
using namespace eightfold::test;

namespace fs = std::filesystem;

namespace {

std::string job() {
  return kTinyJob +
         "[optimizer]\nkind = \"sgd\"\nlearning_rate = 0.05\nmomentum = 0.9\n[telemetry]\ninterval = 1\n";
}

// Trains up to `steps`; on `ranks`, from where the job's newest run stands.
fs::path train_to(int steps, int ranks, const Scratch& scratch, const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {"train", "job.toml", "--resume", "--set",
                                        "job.steps=" + std::to_string(steps)};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return scratch / result_of(run_program(arguments, ranks, scratch.path()))["run_dir"];
}

// The loss of every step.
std::vector<double> losses_of(const fs::path& run) {
  std::vector<double> losses;
  for (const auto& record : records_of(run, "train")) losses.push_back(record.at("loss"));
  return losses;
}

// By element, over all ranks.
std::vector<double> residual_sum(const fs::path& checkpoint, int expected_ranks) {
  const auto found = runtime::checkpoint::find(checkpoint);
  REQUIRE(runtime::checkpoint::residuals(found.manifest) == expected_ranks);
  std::vector<double> sum;
  for (int rank = 0; rank < expected_ranks; ++rank) {
    const auto file = runtime::checkpoint::open_file(found, runtime::checkpoint::residual_file(rank));
    const std::string name = runtime::checkpoint::residual_name(rank);
    const std::int64_t count = file.entries().at(name).shape.at(0);
    std::vector<float> values(static_cast<std::size_t>(count));
    file.read(name, kernels::host_tensor(std::span(values), kernels::Shape{count}));
    sum.resize(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) sum[i] += values[i];
  }
  return sum;
}

double largest(const std::vector<double>& values) {
  double most = 0;
  for (const double value : values) most = std::max(most, std::abs(value));
  return most;
}

}  // namespace

TEST_CASE("the losses on 4, then 3, then 2 ranks are those on 4 alone, step by step") {
  const Scratch whole, shrinking;
  whole.file("job.toml", job());
  shrinking.file("job.toml", job());
  const std::vector<std::string> fp32 = {"--set", "exchange.codec=fp32"};
  const std::vector<double> expected = losses_of(train_to(30, 4, whole, fp32));
  for (const auto& [steps, ranks] : {std::pair{10, 4}, std::pair{20, 3}})
    train_to(steps, ranks, shrinking, fp32);
  const std::vector<double> losses = losses_of(train_to(30, 2, shrinking, fp32));
  REQUIRE(expected.size() == 30);
  REQUIRE(losses.size() == 30);
  for (std::size_t step = 0; step < losses.size(); ++step) {
    CAPTURE(step);
    CHECK(std::abs(losses[step] - expected[step]) <= 1e-5 * expected[step]);
  }
}

TEST_CASE(
    "what encodings have lost is handed on from 4 ranks to 3 and from 3 to 2, and nothing of it is lost") {
  const std::vector<std::string> feedback = {"--set", "exchange.codec=linear8", "--set",
                                             "exchange.error_feedback=on"};
  const Scratch scratch;
  scratch.file("job.toml", job());
  const fs::path saved = train_to(10, 4, scratch, feedback) / "checkpoints/step-00000010";
  std::vector<double> before = residual_sum(saved, 4);
  REQUIRE(largest(before) > 0);
  for (const int ranks : {3, 2}) {
    train_to(10, ranks, scratch, feedback);  // nothing to train: what is read is written again
    std::vector<double> after = residual_sum(saved, ranks);
    REQUIRE(after.size() == before.size());
    std::ranges::transform(after, before, after.begin(), std::minus<>());
    CAPTURE(ranks);
    CHECK(largest(after) <= 1e-6 * largest(before));  // fp32 additions on the way
  }
}
