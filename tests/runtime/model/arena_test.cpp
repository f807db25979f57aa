#include "runtime/model/arena.hpp"

#include "tests/support/test.hpp"

using namespace eightfold;
using namespace eightfold::runtime::model;

namespace {

constexpr std::int64_t kBlock = quant8::kBlock;

struct Case {
  std::int64_t blocks;
  std::uint64_t bucket_bytes;
  std::size_t buckets;
};

}  // namespace

TEST_CASE("tensors of an arena start on blocks, behind each other") {
  ArenaLayout layout;
  CHECK(layout.elements() == 0);
  CHECK(layout.append({1}) == 0);
  CHECK(layout.elements() == kBlock);
  CHECK(layout.append({kBlock}) == kBlock);
  CHECK(layout.append({kBlock + 1}) == 2 * kBlock);
  CHECK(layout.append({3, 5, 7}) == 4 * kBlock);
  CHECK(layout.elements() == 5 * kBlock);
}

TEST_CASE("an empty tensor takes no room in an arena") {
  ArenaLayout layout;
  CHECK(layout.append({0, 4}) == 0);
  CHECK(layout.append({4}) == 0);
  CHECK(layout.elements() == kBlock);
}

TEST_CASE("buckets are whole blocks, as many as their bytes ask for, and together the arena") {
  const std::uint64_t block_bytes = 4 * kBlock;
  for (const Case& c : {Case{0, 1024, 0}, Case{1, 1, 1}, Case{1, block_bytes, 1}, Case{7, block_bytes, 7},
                        Case{7, block_bytes + 4, 4}, Case{7, 3 * block_bytes, 3}, Case{7, 7 * block_bytes, 1},
                        Case{7, 1ULL << 40, 1}, Case{7, ~0ULL, 1}, Case{1000, 8 * block_bytes, 125}}) {
    const std::vector<ArenaSpan> buckets = cut_buckets(c.blocks * kBlock, c.bucket_bytes);
    CAPTURE(c.blocks, c.bucket_bytes);
    REQUIRE(buckets.size() == c.buckets);
    std::int64_t covered = 0;
    for (const ArenaSpan& bucket : buckets) {
      CHECK(bucket.begin == covered);
      CHECK(bucket.end > bucket.begin);
      CHECK(bucket.end % kBlock == 0);
      CHECK(bucket.end - bucket.begin <= buckets.front().end);
      covered = bucket.end;
    }
    CHECK(covered == c.blocks * kBlock);
  }
}
