#include "comm/schedules/schedule.hpp"

#include "kernels/base/error.hpp"
#include "quant8/format.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <numeric>

using namespace eightfold;
using namespace eightfold::comm;

namespace {

std::vector<int> first_ranks(int count) {
  std::vector<int> owners(static_cast<std::size_t>(count));
  std::iota(owners.begin(), owners.end(), 0);
  return owners;
}

}  // namespace

TEST_CASE("shards follow each other from the first element to the last and begin at blocks") {
  for (const int parts : {1, 2, 3, 7, 128}) {
    for (const std::int64_t elements :
         {std::int64_t{0}, std::int64_t{1}, std::int64_t{255}, std::int64_t{256}, std::int64_t{257},
          std::int64_t{4097}, std::int64_t{1} << 33}) {
      const std::vector<schedules::Shard> shards = schedules::even_shards(elements, first_ranks(parts));
      REQUIRE(shards.size() == static_cast<std::size_t>(parts));
      std::int64_t end = 0;
      for (const schedules::Shard& shard : shards) {
        CHECK(shard.offset == end);
        CHECK((shard.count == 0 || shard.offset % quant8::kBlock == 0));
        end += shard.count;
      }
      CHECK(end == elements);
    }
  }
}

TEST_CASE("shards differ by one block at most, apart from the end of the last") {
  const std::vector<schedules::Shard> shards = schedules::even_shards(10 * 256 + 1, first_ranks(4));
  CHECK(shards == std::vector<schedules::Shard>{{0, 768, 0}, {768, 768, 1}, {1536, 768, 2}, {2304, 257, 3}});
}

TEST_CASE("with fewer blocks than ranks the last shards are empty") {
  const std::vector<schedules::Shard> shards = schedules::even_shards(300, first_ranks(4));
  CHECK(shards == std::vector<schedules::Shard>{{0, 256, 0}, {256, 44, 1}, {300, 0, 2}, {300, 0, 3}});
}

TEST_CASE("shards belong to the owners in the order in which they are named") {
  const std::vector<int> owners = {5, 1, 3};
  const std::vector<schedules::Shard> shards = schedules::even_shards(1000, owners);
  CHECK(std::ranges::equal(shards, owners, {}, &schedules::Shard::owner));
}

TEST_CASE("elements cannot be divided among nobody") {
  CHECK_THROWS_AS(schedules::even_shards(1, {}), base::InternalError);
  CHECK_THROWS_AS(schedules::even_shards(-1, first_ranks(2)), base::InternalError);
}

TEST_CASE("bytes sent are those of both kinds of sends and of nothing else") {
  const schedules::Schedule schedule{
      {{0, 512, 0}, {512, 100, 1}},
      {{{schedules::Action::send_fresh, 1, 1}, {schedules::Action::receive_add, 0, 1}},
       {{schedules::Action::seal, 0},
        {schedules::Action::send_sealed, 0, 1},
        {schedules::Action::receive_final, 1, 1}}}};
  const schedules::WireSize wire = [](std::int64_t elements) {
    return static_cast<std::size_t>(10 + elements);
  };
  CHECK(schedules::bytes_sent(schedule, wire) == 110 + 522);
  CHECK(schedules::bytes_sent({}, wire) == 0);
}

TEST_CASE("a step can be read") {
  CHECK(to_string(schedules::Step{schedules::Action::seal, 3}) == "seals shard 3");
  CHECK(to_string(schedules::Step{schedules::Action::send_fresh, 3, 2}) == "sends shard 3 fresh to rank 2");
  CHECK(to_string(schedules::Step{schedules::Action::send_sealed, 3, 2}) == "sends shard 3 sealed to rank 2");
  CHECK(to_string(schedules::Step{schedules::Action::receive_add, 3, 2}) == "adds shard 3 from rank 2");
  CHECK(to_string(schedules::Step{schedules::Action::receive_final, 3, 2}) ==
        "receives shard 3 sealed from rank 2");
}
