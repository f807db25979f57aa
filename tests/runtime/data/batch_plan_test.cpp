#include "runtime/data/batch_plan.hpp"

#include "tests/support/test.hpp"

#include <algorithm>
#include <vector>

using namespace eightfold::runtime::data;

namespace {

// How often an epoch's positions are visited by all ranks in all passes; checks the promises of each step on
// the way.
std::vector<int> visits(const BatchPlan& plan, std::int64_t epoch) {
  std::vector<int> seen(static_cast<std::size_t>(plan.size));
  const std::int64_t steps = plan.steps_per_epoch();
  for (std::int64_t step = epoch * steps; step < (epoch + 1) * steps; ++step) {
    const Batch batch = plan.batch(step);
    bool ok = batch.epoch == epoch && batch.samples >= 1 && batch.samples <= plan.global_batch;
    std::int64_t next_row = 0;
    for (std::int64_t rank = 0; rank < plan.ranks; ++rank) {
      const Rows local_batch = plan.local_batch(batch, rank);
      const std::int64_t least = batch.samples / plan.ranks;
      ok = ok && local_batch.first == next_row &&
           (local_batch.samples == least || local_batch.samples == least + 1);
      for (std::int64_t pass = 0; pass < plan.passes(batch); ++pass) {
        const Rows rows = plan.pass(local_batch, pass);
        ok = ok && rows.first == next_row && rows.samples >= 0 && rows.samples <= plan.pass_rows();
        for (std::int64_t row = 0; row < rows.samples; ++row)
          ++seen[static_cast<std::size_t>(batch.first + next_row++)];
      }
      ok = ok && next_row == local_batch.first + local_batch.samples;
    }
    if (!ok || next_row != batch.samples) return {};
  }
  return seen;
}

}  // namespace

TEST_CASE("ranks and passes together visit every position of an epoch exactly once") {
  for (const std::int64_t size : {1, 2, 7, 16, 61, 128})
    for (const std::int64_t global_batch : {1, 2, 5, 16, 64, 200})
      for (const std::int64_t ranks : {1, 2, 3, 4, 7, 16})
        for (const std::int64_t micro_batch : {0, 1, 2, 3, 5, 64})
          for (const std::int64_t epoch : {0, 3}) {
            const BatchPlan plan{size, global_batch, ranks, micro_batch};
            CAPTURE(size, global_batch, ranks, micro_batch, epoch);
            REQUIRE(visits(plan, epoch) == std::vector<int>(static_cast<std::size_t>(size), 1));
            REQUIRE((micro_batch == 0 || plan.pass_rows() <= micro_batch));
          }
}

TEST_CASE("a batch is divided as evenly as it can be") {
  const BatchPlan plan{1000, 128, 3, 0};
  CHECK(plan.local_batch(plan.batch(0), 0) == Rows{0, 43});
  CHECK(plan.local_batch(plan.batch(0), 1) == Rows{43, 43});
  CHECK(plan.local_batch(plan.batch(0), 2) == Rows{86, 42});
  CHECK(plan.pass_rows() == 43);
  CHECK(plan.passes(plan.batch(0)) == 1);
}

TEST_CASE("the last batch of an epoch is what is left") {
  const BatchPlan plan{1000, 128, 4, 0};
  CHECK(plan.steps_per_epoch() == 8);
  const Batch last = plan.batch(7);
  CHECK(last.epoch == 0);
  CHECK(last.first == 896);
  CHECK(last.samples == 104);
  CHECK(plan.batch(8).epoch == 1);
  CHECK(plan.batch(8).first == 0);
  CHECK(plan.batch(8).samples == 128);
}

TEST_CASE("a local batch is cut into equal passes rather than full ones and a rest") {
  const BatchPlan plan{1000, 100, 1, 40};
  CHECK(plan.pass_rows() == 34);
  CHECK(plan.passes(plan.batch(0)) == 3);
  CHECK(plan.pass({0, 100}, 0) == Rows{0, 34});
  CHECK(plan.pass({0, 100}, 2) == Rows{68, 32});
}

TEST_CASE("a short batch takes fewer passes, and leaves ranks without samples when it must") {
  const BatchPlan plan{66, 64, 4, 4};
  CHECK(plan.passes(plan.batch(0)) == 4);
  const Batch last = plan.batch(1);
  CHECK(last.samples == 2);
  CHECK(plan.passes(last) == 1);
  CHECK(plan.local_batch(last, 1) == Rows{1, 1});
  CHECK(plan.local_batch(last, 3) == Rows{2, 0});
  CHECK(plan.pass(plan.local_batch(last, 3), 0) == Rows{2, 0});
}

TEST_CASE("passes are planned for the samples there are, not for a batch that is never full") {
  const BatchPlan plan{10, 1'000'000, 2, 0};
  CHECK(plan.steps_per_epoch() == 1);
  CHECK(plan.pass_rows() == 5);
}

TEST_CASE("passes of a network that is planned already have its rows, however few the samples") {
  const BatchPlan plan{.size = 5, .global_batch = 16, .ranks = 2, .rows = 8};
  CHECK(plan.pass_rows() == 8);
  CHECK(plan.passes(plan.batch(0)) == 1);
  CHECK(plan.pass(plan.local_batch(plan.batch(0), 1), 0) == Rows{3, 2});
}
