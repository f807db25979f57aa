#include "runtime/data/loader.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

using namespace eightfold;
using namespace eightfold::runtime::data;

namespace {

constexpr kernels::Device kHost{};

// Sample i is its index in two bytes, and its label is the index. Reading `broken` fails; reads are counted.
class CountingSource final : public Source {
 public:
  explicit CountingSource(std::int64_t size, std::int64_t broken = -1) : size_(size), broken_(broken) {}
  std::int64_t size() const override { return size_; }
  SampleShape sample_shape() const override { return {1, 2, 1}; }
  std::int64_t classes() const override { return size_; }
  void read(std::int64_t index, std::span<std::uint8_t> image, std::int32_t& label) const override {
    if (index == broken_) base::raise<base::DataError>("sample {} is broken", index);
    image[0] = static_cast<std::uint8_t>(index & 255);
    image[1] = static_cast<std::uint8_t>(index >> 8);
    label = static_cast<std::int32_t>(index);
    ++reads;
  }

  mutable std::atomic<int> reads = 0;

 private:
  std::int64_t size_;
  std::int64_t broken_;
};

LoaderJob job_of(const BatchPlan& plan, std::int64_t steps, std::optional<SampleOrder> order = std::nullopt) {
  return {std::make_shared<CountingSource>(plan.size), plan, order, 0, 0, steps};
}

class CountingObserver final : public base::Observer {
 public:
  void on_span(const base::Span& span) noexcept override {
    if (span.track == base::Track::loader && span.name == "load") ++loads;
    if (span.end < span.begin) ++reversed;
  }
  std::atomic<int> loads = 0;
  std::atomic<int> reversed = 0;
};

}  // namespace

TEST_CASE("ranks and epochs together load every sample once per epoch, in the order of the epoch") {
  for (const BatchPlan& plan : {BatchPlan{50, 16, 3, 2}, BatchPlan{7, 7, 1, 0}, BatchPlan{33, 8, 5, 1}}) {
    const SampleOrder order(4, plan.size);
    const std::int64_t steps = plan.steps_per_epoch() * 2;
    std::vector<int> seen(static_cast<std::size_t>(2 * plan.size));
    for (std::int64_t rank = 0; rank < plan.ranks; ++rank) {
      LoaderJob job = job_of(plan, steps, order);
      job.rank = rank;
      Loader loader(job, kHost, nullptr);
      kernels::Stream stream(kHost);
      for (std::int64_t step = 0; step < steps; ++step)
        for (std::int64_t index = 0; index < plan.passes(plan.batch(step)); ++index) {
          const MicroBatch& pass = loader.next();
          REQUIRE(pass.step == step);
          REQUIRE(pass.pass == index);
          for (std::int64_t row = 0; row < pass.samples; ++row) {
            const std::int64_t position = plan.batch(step).first + pass.first + row;
            const std::int32_t label = pass.labels.span<std::int32_t>()[static_cast<std::size_t>(row)];
            REQUIRE(label == order.at(pass.epoch, position));
            REQUIRE(pass.images.span<std::uint8_t>()[static_cast<std::size_t>(2 * row)] == label);
            ++seen[static_cast<std::size_t>(pass.epoch * plan.size + label)];
          }
          loader.release(pass, stream);
        }
    }
    CHECK(std::ranges::count(seen, 1) == 2 * plan.size);
  }
}

TEST_CASE("without an order samples come as the source has them") {
  Loader loader(job_of({10, 4, 1, 0}, 3), kHost, nullptr);
  kernels::Stream stream(kHost);
  std::vector<std::int32_t> labels;
  for (int step = 0; step < 3; ++step) {
    const MicroBatch& pass = loader.next();
    const auto rows = pass.labels.span<std::int32_t>().first(static_cast<std::size_t>(pass.samples));
    labels.insert(labels.end(), rows.begin(), rows.end());
    loader.release(pass, stream);
  }
  CHECK(labels == std::vector<std::int32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("rows without a sample are zero, also where an earlier pass had some") {
  const BatchPlan plan{9, 8, 2, 2};  // the second step has one sample, on rank 0
  for (const std::int64_t rank : {0, 1}) {
    LoaderJob job = job_of(plan, 8);
    job.rank = rank;
    Loader loader(job, kHost, nullptr);
    kernels::Stream stream(kHost);
    for (std::int64_t step = 0; step < 8; ++step)
      for (std::int64_t index = 0; index < plan.passes(plan.batch(step)); ++index) {
        const MicroBatch& pass = loader.next();
        CHECK(pass.images.shape() == kernels::Shape{2, 1, 2, 1});
        CHECK(pass.labels.shape() == kernels::Shape{2});
        CHECK(pass.samples == (step % 2 == 0 ? 2 : 1 - rank));
        const auto unused = static_cast<std::size_t>(pass.samples);
        CHECK(std::ranges::count(pass.labels.span<std::int32_t>().subspan(unused), 0) == 2 - pass.samples);
        CHECK(std::ranges::count(pass.images.span<std::uint8_t>().subspan(2 * unused), 0) ==
              4 - 2 * pass.samples);
        loader.release(pass, stream);
      }
  }
}

TEST_CASE("loading can start at any step, and finds there what it would have found on the way") {
  const BatchPlan plan{50, 8, 1, 0};
  const SampleOrder order(1, 50);
  const auto labels_of_step_9 = [&](std::int64_t first_step) {
    LoaderJob job = job_of(plan, 10, order);
    job.first_step = first_step;
    Loader loader(job, kHost, nullptr);
    kernels::Stream stream(kHost);
    for (std::int64_t step = first_step; step < 9; ++step) loader.release(loader.next(), stream);
    const auto labels = loader.next().labels.span<std::int32_t>();
    return std::vector<std::int32_t>(labels.begin(), labels.end());
  };
  CHECK(labels_of_step_9(0) == labels_of_step_9(9));
  CHECK(labels_of_step_9(7) == labels_of_step_9(9));
}

TEST_CASE("passes that are held keep their contents while later ones are loaded") {
  Loader loader(job_of({100, 1, 1, 0}, 100), kHost, nullptr);
  kernels::Stream stream(kHost);
  for (int round = 0; round < 33; ++round) {
    const MicroBatch* held[Loader::kSlots];
    for (const MicroBatch*& pass : held) pass = &loader.next();
    CHECK_THROWS_AS(loader.next(), base::InternalError);
    for (int i = 0; i < Loader::kSlots; ++i) CHECK(held[i]->labels.span<std::int32_t>()[0] == 3 * round + i);
    CHECK_THROWS_AS(loader.release(*held[1], stream), base::InternalError);
    for (const MicroBatch* pass : held) loader.release(*pass, stream);
  }
}

TEST_CASE("the loader runs ahead of its reader, but not further than its slots") {
  const auto source = std::make_shared<CountingSource>(100);
  CountingObserver observer;
  {
    Loader loader({source, {100, 10, 1, 0}, std::nullopt, 0, 0, 10}, kHost, &observer);
    kernels::Stream stream(kHost);
    loader.release(loader.next(), stream);
    while (source->reads < 40) std::this_thread::yield();
    CHECK(source->reads == 40);
  }
  CHECK(source->reads == 40);
  CHECK(observer.loads == 4);
  CHECK(observer.reversed == 0);
}

TEST_CASE("what the source throws reaches the reader after the passes before it") {
  Loader loader({std::make_shared<CountingSource>(20, 11), {20, 4, 1, 0}, std::nullopt, 0, 0, 5}, kHost,
                nullptr);
  kernels::Stream stream(kHost);
  for (int step = 0; step < 2; ++step) loader.release(loader.next(), stream);
  CHECK_THROWS_WITH(loader.next(), "sample 11 is broken");
  CHECK_THROWS_AS(loader.next(), base::DataError);
}

TEST_CASE("a pass beyond the last is a defect of the caller, not a wait without end") {
  Loader loader(job_of({4, 4, 1, 0}, 1), kHost, nullptr);
  kernels::Stream stream(kHost);
  loader.release(loader.next(), stream);
  CHECK_THROWS_AS(loader.next(), base::InternalError);
  Loader idle(job_of({4, 4, 1, 0}, 0), kHost, nullptr);
  CHECK_THROWS_AS(idle.next(), base::InternalError);
}

TEST_CASE("a loader can be destroyed at any moment") {
  for (int taken = 0; taken < 8; ++taken) {
    Loader loader(job_of({1000, 100, 1, 0}, 1'000'000), kHost, nullptr);
    kernels::Stream stream(kHost);
    for (int i = 0; i < taken; ++i) loader.release(loader.next(), stream);
  }
  SUCCEED("none of them waited for the rest of a million steps");
}

TEST_CASE("a plan or an order for another number of samples is refused") {
  LoaderJob job = job_of({10, 4, 1, 0}, 1);
  job.plan.size = 11;
  CHECK_THROWS_AS(Loader(job, kHost, nullptr), base::InternalError);
  CHECK_THROWS_AS(Loader(job_of({10, 4, 1, 0}, 1, SampleOrder(1, 9)), kHost, nullptr), base::InternalError);
}
