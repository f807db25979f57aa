// The first step of a job, whatever ranks and passes compute it: the same samples, the same gradient.
#include "runtime/worker.hpp"

#include "runtime/config/parse.hpp"
#include "runtime/exchange.hpp"
#include "tests/support/ranks.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

using namespace eightfold;
using namespace eightfold::runtime;
using test::world;

namespace {

// A gradient summed in another order rounds differently; RMSProp would amplify that, so it is looked at
// before.
constexpr float kTolerance = 1e-6F;

const char* const kJob = R"(
[job]
name = "first-step"
seed = 3
global_batch = 50      # does not divide by 3 or 4 ranks
[data]
kind = "digits"
train = 120
test = 10
[[model.layer]]
kind = "conv2d"
out = 6
kernel = 5
stride = 2
[[model.layer]]
kind = "relu"
[[model.layer]]
kind = "dropout"
rate = 0.3
[[model.layer]]
kind = "linear"
out = 10
[optimizer]
kind = "rmsprop"
learning_rate = 0.003
[exchange]
codec = "fp32"
bucket = "4KiB"
)";

class Silent final : public base::Observer {
 public:
  void on_span(const base::Span&) noexcept override {}
};

config::JobConfig job(std::int64_t micro_batch) {
  config::JobConfig config = config::parse_job(kJob, "test").config;
  config.job.micro_batch = micro_batch;
  return config;
}

std::vector<float> gradients_of(Session& session) {
  const auto values = session.model().gradients().span<float>();
  return {values.begin(), values.end()};
}

// The gradient of the first batch as one rank computes it in one pass, without worker, engine or exchange.
std::vector<float> reference_gradient(const config::JobConfig& config) {
  const data::Split split = data::open(config.data, config.job.seed);
  Session session(config, split, {});
  session.model().initialize(config.job.seed, session.stream());
  session.model().begin_step(session.stream());
  data::Loader loader(
      {split.train, session.plan(), data::SampleOrder(config.job.seed, split.train->size()), 0, 0, 1}, {},
      nullptr);
  const data::Pass& loaded = loader.next();
  const auto labels =
      session.feed().load(session.stream(), loaded.images, loaded.labels, session.model().input());
  kernels::Buffer<double> totals({}, 2);
  const model::Pass pass{model::Phase::training, config.job.seed, 0, 0, loaded.samples, {}};
  session.model().train(session.stream(), pass, labels, 1.0F / static_cast<float>(loaded.samples),
                        totals.tensor(), [](std::int64_t) {});
  loader.release(loaded, session.stream());
  return gradients_of(session);
}

bool close(const std::vector<float>& gradient, const std::vector<float>& reference) {
  const float largest =
      std::abs(*std::ranges::max_element(reference, {}, [](float g) { return std::abs(g); }));
  return std::ranges::equal(gradient, reference,
                            [&](float a, float b) { return std::abs(a - b) <= kTolerance * largest; });
}

}  // namespace

TEST_CASE("the gradient of the first step is that of the whole batch, on every rank") {
  for (const std::int64_t micro_batch : {0, 13, 7, 1}) {
    for (const bool overlap : {true, false}) {
      config::JobConfig config = job(micro_batch);
      config.exchange.overlap = overlap;
      const std::vector<float> reference = reference_gradient(job(0));

      Session session(config, data::open(config.data, config.job.seed), {world().rank(), world().size(), {}});
      session.initialize(world());
      Silent observer;
      std::vector<float> gradient;
      {
        comm::Engine engine(world());
        const auto exchange = make_exchange(session, engine, observer);
        Worker worker(session, *exchange, observer, 0, 1);
        worker.step();
        gradient = gradients_of(session);
      }
      CAPTURE(micro_batch, overlap);
      CHECK_ALL_RANKS(close(gradient, reference));
    }
  }
}

TEST_CASE(
    "every sample of an epoch is computed by one rank, and in the order that one rank alone would take") {
  const config::JobConfig config = job(5);
  const data::Split split = data::open(config.data, config.job.seed);
  const data::BatchPlan plan = deal_out(config.job, split.train->size(), world().size());
  const data::SampleOrder order(config.job.seed, split.train->size());
  std::vector<float> visits(static_cast<std::size_t>(split.train->size()), 0);
  std::vector<float> place(visits.size(), 0);
  for (std::int64_t step = 0; step < plan.steps_per_epoch(); ++step) {
    const data::Batch batch = plan.batch(step);
    const data::Rows share = plan.share(batch, world().rank());
    for (std::int64_t row = share.first; row < share.first + share.samples; ++row) {
      const auto sample = static_cast<std::size_t>(order.at(batch.epoch, batch.first + row));
      visits[sample] += 1;
      place[sample] += static_cast<float>(batch.first + row);
    }
  }
  world().sum(std::span<float>(visits));
  world().sum(std::span<float>(place));
  CHECK(std::ranges::all_of(visits, [](float count) { return count == 1; }));
  for (std::int64_t position = 0; position < split.train->size(); ++position)
    CHECK(place[static_cast<std::size_t>(order.at(0, position))] == static_cast<float>(position));
}
