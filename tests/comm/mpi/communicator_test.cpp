#include "comm/mpi/communicator.hpp"

#include "tests/support/ranks.hpp"
#include "tests/support/test.hpp"

#include <numeric>

using namespace eightfold;
using test::world;

namespace {

constexpr std::size_t kSizes[] = {0, 1, 2, 7, 255, 257, 4099, (1 << 20) + 1};

// Values that every order of additions sums exactly: element i of rank r is (r + 1) (i mod 97).
template <class Value>
std::vector<Value> contribution(int rank, std::size_t size) {
  std::vector<Value> values(size);
  for (std::size_t i = 0; i < size; ++i)
    values[i] = static_cast<Value>((rank + 1) * static_cast<int>(i % 97));
  return values;
}

template <class Value>
std::vector<Value> expected_sum(int ranks, std::size_t size) {
  std::vector<Value> values = contribution<Value>(0, size);
  for (Value& value : values) value *= static_cast<Value>(ranks * (ranks + 1) / 2);
  return values;
}

template <class Value>
bool sums_are_exact() {
  bool exact = true;
  for (const std::size_t size : kSizes) {
    std::vector<Value> values = contribution<Value>(world().rank(), size);
    world().sum(std::span<Value>(values));
    exact = exact && values == expected_sum<Value>(world().size(), size);
  }
  return exact;
}

std::string text_of(int rank, std::size_t length) {
  std::string text(length, ' ');
  for (std::size_t i = 0; i < length; ++i)
    text[i] = static_cast<char>((static_cast<std::size_t>(rank) * 31 + i * 7) % 256);
  return text;
}

}  // namespace

TEST_CASE("ranks are numbered from 0 and every number is taken once") {
  const std::vector<std::uint64_t> ranks = world().all_gather(static_cast<std::uint64_t>(world().rank()));
  std::vector<std::uint64_t> expected(static_cast<std::size_t>(world().size()));
  std::iota(expected.begin(), expected.end(), 0);
  CHECK_ALL_RANKS(ranks == expected);
}

TEST_CASE("all ranks of one machine are one node") {
  CHECK_ALL_RANKS(world().node_count() == 1);
  CHECK_ALL_RANKS(world().local_size() == world().size());
  CHECK_ALL_RANKS(world().local_rank() == world().rank());
  CHECK_ALL_RANKS(!world().host().empty());
}

TEST_CASE("bytes of different lengths are gathered by rank, on one rank") {
  bool right = true;
  for (int to = 0; to < world().size(); ++to) {
    const auto text_of = [](int rank) {
      return std::string(static_cast<std::size_t>(1000 * rank), static_cast<char>('a' + rank));
    };
    const std::vector<std::string> all = world().gather(text_of(world().rank()), to);
    right = right && all.size() == (world().rank() == to ? static_cast<std::size_t>(world().size()) : 0);
    for (std::size_t rank = 0; right && rank < all.size(); ++rank)
      right = all[rank] == text_of(static_cast<int>(rank));
  }
  CHECK_ALL_RANKS(right);
}

TEST_CASE("a gathered value stands at the place of its rank, on every rank") {
  const auto value_of = [](std::size_t rank) { return 0xFFFFFFFFFFFFFFFFULL - 1000 * rank; };
  const auto mine = static_cast<std::size_t>(world().rank());
  const std::vector<std::uint64_t> all = world().all_gather(value_of(mine));
  const std::vector<std::uint64_t> node = world().all_gather_on_node(value_of(mine));
  bool right = all.size() == static_cast<std::size_t>(world().size());
  for (std::size_t rank = 0; rank < all.size(); ++rank) right = right && all[rank] == value_of(rank);
  CHECK_ALL_RANKS(right);
  CHECK_ALL_RANKS(node == all);
}

TEST_CASE("a broadcast carries the bytes of any root, of any size") {
  for (int root = 0; root < world().size(); ++root) {
    bool right = true;
    for (const std::size_t size : kSizes) {
      std::string bytes = text_of(world().rank(), size);
      world().broadcast(std::as_writable_bytes(std::span(bytes)), root);
      right = right && bytes == text_of(root, size);
    }
    CHECK_ALL_RANKS(right);
  }
}

TEST_CASE("a text is broadcast with its length, whatever the others held") {
  for (int root = 0; root < world().size(); ++root) {
    bool right = true;
    for (const std::size_t size : kSizes) {
      std::string text = world().rank() == root ? text_of(root, size) : text_of(7, 300);
      world().broadcast_text(text, root);
      right = right && text == text_of(root, size);
    }
    CHECK_ALL_RANKS(right);
  }
}

TEST_CASE("sums of floats are exact where floats are, for any size") {
  CHECK_ALL_RANKS(sums_are_exact<float>());
}

TEST_CASE("sums of doubles are exact where doubles are, for any size") {
  CHECK_ALL_RANKS(sums_are_exact<double>());
}

TEST_CASE("the maximum is any rank's largest, negative numbers among them") {
  const double me = world().rank(), ranks = world().size();
  bool right = world().max(me) == ranks - 1 && world().max(-1 - me) == -1;
  for (int rank = 0; rank < world().size(); ++rank)
    right = right && world().max(rank == world().rank() ? 2.5 : -1e300) == 2.5;
  CHECK_ALL_RANKS(right);
}

TEST_CASE("sums that must round have the same bits on every rank") {
  std::vector<float> values(4099);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = 1.0F / static_cast<float>(3 + i + 5 * static_cast<std::size_t>(world().rank()));
  world().sum(std::span<float>(values));
  std::string first(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  const std::string mine = first;
  world().broadcast_text(first, 0);
  CHECK_ALL_RANKS(mine == first);
}

TEST_CASE("barriers can follow each other") {
  for (int i = 0; i < 10; ++i) world().barrier();
  CHECK_ALL_RANKS(true);
}

TEST_CASE("a duplicate is a world of its own: its messages meet only each other") {
  comm::mpi::Communicator other = comm::mpi::Communicator::duplicate_world(world().flight_recorder());
  std::vector<double> in_world = {1.0}, in_other = {10.0};
  other.sum(std::span<double>(in_other));
  world().sum(std::span<double>(in_world));
  CHECK_ALL_RANKS(other.rank() == world().rank() && other.size() == world().size());
  CHECK_ALL_RANKS(in_other[0] == 10.0 * world().size());
  CHECK_ALL_RANKS(in_world[0] == 1.0 * world().size());
}
