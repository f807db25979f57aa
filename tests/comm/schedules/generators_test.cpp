#include "comm/schedules/generators.hpp"

#include "comm/prover/prover.hpp"
#include "quant8/format.hpp"
#include "tests/comm/schedules/wire_size.hpp"
#include "tests/support/test.hpp"

#include <bit>
#include <cmath>
#include <set>

using namespace eightfold;
using namespace eightfold::comm;
using schedules::Cost;
using schedules::find_generator;
using schedules::Generator;
using test::odd_wire_size;

namespace {

constexpr std::int64_t kBlock = quant8::kBlock;

// Every shard has some elements, no two numbers of them are alike by design.
std::int64_t uneven(int ranks) {
  return ranks * 2 * kBlock + kBlock + 77;
}

std::set<int> roots(const Generator& generator, int ranks) {
  const bool has_root = generator.collective == schedules::Collective::broadcast ||
                        generator.collective == schedules::Collective::scatter ||
                        generator.collective == schedules::Collective::gather;
  return has_root ? std::set{0, ranks / 2, ranks - 1} : std::set{0};
}

void prove_all(const schedules::Topology& topology, std::int64_t elements) {
  for (const Generator& generator : schedules::generators()) {
    for (const int root : roots(generator, topology.ranks())) {
      INFO(generator.name << " of " << elements << " on " << topology.ranks() << " ranks, "
                          << topology.nodes() << " nodes, root " << root);
      CHECK_NOTHROW(prover::prove(generator, topology, elements, root, odd_wire_size));
    }
  }
}

// 8 bits, roughly: values from -1 to 1 on a grid.
double encoded(double value, bool exact) {
  return exact ? value : std::round(value * 128.0) / 128.0;
}

double contribution(int rank, int shard) {
  return std::sin(1.0 + rank + 10.0 * shard);
}

// What ranks have of the shards, as numbers: the rules of comm/schedules/schedule.hpp, one round of all ranks
// after the other.
class Machine {
 public:
  Machine(const Generator& generator, const schedules::Topology& topology, std::int64_t elements)
      : exact_(generator.exact_only) {
    for (int rank = 0; rank < topology.ranks(); ++rank) {
      all_.push_back(generator.schedule({topology, rank, elements}));
      values_.emplace_back();
      for (int shard = 0; shard < shards(); ++shard) values_.back().push_back(contribution(rank, shard));
    }
    for (std::size_t round = 0; round < all_.front().rounds.size(); ++round) run(round);
  }

  int shards() const { return static_cast<int>(all_.front().shards.size()); }
  double value(int rank, int shard) const { return values_.at(rank).at(shard); }

 private:
  void run(std::size_t round) {
    for (int rank = 0; rank < ranks(); ++rank)
      for (const schedules::Step& step : all_[rank].rounds[round])
        if (step.action == schedules::Action::seal)
          values_[rank][step.shard] = encoded(values_[rank][step.shard], exact_);
    const std::vector<std::vector<double>> before = values_;
    for (int rank = 0; rank < ranks(); ++rank) {
      for (int shard = 0; shard < shards(); ++shard)
        values_[rank][shard] = received(rank, shard, round, before);
    }
  }

  double received(int rank, int shard, std::size_t round,
                  const std::vector<std::vector<double>>& before) const {
    double sum = 0.0;
    for (int peer = 0; peer < ranks(); ++peer) {
      if (peer == rank) sum += before[rank][shard];
      for (const schedules::Step& step : all_[rank].rounds[round]) {
        if (step.shard != shard || step.peer != peer) continue;
        if (step.action == schedules::Action::receive_final) return before[peer][shard];
        if (step.action == schedules::Action::receive_add) sum += encoded(before[peer][shard], exact_);
      }
    }
    return sum;
  }

  int ranks() const { return static_cast<int>(all_.size()); }

  bool exact_;
  std::vector<schedules::Schedule> all_;
  std::vector<std::vector<double>> values_;
};

}  // namespace

TEST_CASE("every generator is proven for 1 to 128 ranks") {
  for (int ranks = 1; ranks <= 128; ++ranks) prove_all(schedules::Topology::uniform(ranks, 1), uneven(ranks));
}

TEST_CASE("every generator is proven for 1 to 16 nodes of 8 ranks") {
  for (int nodes = 1; nodes <= 16; ++nodes)
    prove_all(schedules::Topology::uniform(nodes, 8), uneven(8 * nodes));
}

TEST_CASE("every generator is proven where nodes differ in size or ranks are dealt to them in turn") {
  const std::vector<std::vector<std::uint64_t>> cases = {
      {0, 0, 0, 1}, {0, 1, 0, 1, 0, 1}, {0, 1, 1, 2, 2, 2}, {3, 3, 0, 0, 0, 0, 3, 2, 2}};
  for (const auto& node_by_rank : cases)
    prove_all(schedules::Topology(node_by_rank), uneven(static_cast<int>(node_by_rank.size())));
}

TEST_CASE("every generator is proven for no elements, for one and at the edges of blocks") {
  for (const auto& [nodes, ranks] : {std::pair{1, 1}, {2, 1}, {3, 1}, {7, 1}, {2, 4}, {3, 2}}) {
    const std::int64_t full = nodes * ranks * kBlock;
    for (const std::int64_t elements : {std::int64_t{0}, std::int64_t{1}, kBlock - 1, kBlock, kBlock + 1,
                                        full - 1, full, full + 1, std::int64_t{100003}})
      prove_all(schedules::Topology::uniform(nodes, ranks), elements);
  }
}

TEST_CASE("contributions are encoded as often as documented") {
  const auto quantisations = [](std::string_view name, const schedules::Topology& topology) {
    return prover::prove(*find_generator(name), topology, uneven(topology.ranks()), 0, odd_wire_size)
        .quantisations;
  };
  for (const int ranks : {2, 3, 8, 13}) {
    const schedules::Topology flat = schedules::Topology::uniform(ranks, 1);
    CHECK(quantisations("two_shot", flat) == 2);
    CHECK(quantisations("ring", flat) == ranks);
    CHECK(quantisations("recursive_doubling", flat) == 0);
    for (const std::string_view once : {"reduce_scatter", "all_gather", "broadcast", "scatter", "gather"})
      CHECK(quantisations(once, flat) == 1);
    CHECK(quantisations("hierarchical", flat) == 2);
    CHECK(quantisations("hierarchical", schedules::Topology::uniform(1, ranks)) == 2);
    CHECK(quantisations("hierarchical", schedules::Topology::uniform(2, ranks)) == 3);
  }
}

TEST_CASE("with even shards costs are the closed forms") {
  const schedules::WireSize bytes = [](std::int64_t elements) { return static_cast<std::size_t>(elements); };
  const auto cost = [&](std::string_view name, const schedules::Topology& topology, std::int64_t elements,
                        int rank) {
    return find_generator(name)->cost({topology, rank, elements, 0}, bytes);
  };
  for (const int ranks : {2, 3, 4, 8, 96}) {
    const schedules::Topology flat = schedules::Topology::uniform(ranks, 1);
    const std::int64_t all = ranks * kBlock;
    const std::size_t shard = kBlock, others = static_cast<std::size_t>(ranks) - 1;
    for (const int rank : {0, 1, ranks - 1}) {
      CHECK(cost("two_shot", flat, all, rank) == Cost{2, 2, 2 * others * shard});
      CHECK(cost("ring", flat, all, rank) == Cost{2 * (ranks - 1), ranks, 2 * others * shard});
      CHECK(cost("reduce_scatter", flat, all, rank) == Cost{1, 1, others * shard});
      CHECK(cost("all_gather", flat, all, rank) == Cost{1, 1, others * shard});
    }
    CHECK(cost("broadcast", flat, all, 0) == Cost{2, 1, 2 * others * shard});
    CHECK(cost("broadcast", flat, all, 1) == Cost{2, 1, (others - 1) * shard});
    CHECK(cost("scatter", flat, all, 0) == Cost{1, 1, others * shard});
    CHECK(cost("scatter", flat, all, 1) == Cost{1, 1, 0});
    CHECK(cost("gather", flat, all, 0) == Cost{1, 1, 0});
    CHECK(cost("gather", flat, all, 1) == Cost{1, 1, shard});
  }
  // 12 nodes of 8: 7/8 inside, 2 * 11/12 of an eighth across, 7/8 inside.
  const std::int64_t all = 96 * kBlock;
  CHECK(cost("hierarchical", schedules::Topology::uniform(12, 8), all, 17) ==
        Cost{4, 3, (7 * 12 + 2 * 11 + 7 * 12) * kBlock});
  CHECK(cost("recursive_doubling", schedules::Topology::uniform(8, 1), all, 5) == Cost{3, 0, 3 * all});
  CHECK(cost("recursive_doubling", schedules::Topology::uniform(11, 1), all, 2) == Cost{5, 0, 4 * all});
  CHECK(cost("recursive_doubling", schedules::Topology::uniform(11, 1), all, 3) == Cost{5, 0, 3 * all});
  CHECK(cost("recursive_doubling", schedules::Topology::uniform(11, 1), all, 8) == Cost{5, 0, 1 * all});
}

TEST_CASE("one rank alone does nothing") {
  for (const Generator& generator : schedules::generators()) {
    INFO(generator.name);
    const schedules::Topology alone = schedules::Topology::uniform(1, 1);
    CHECK(generator.schedule({alone, 0, 1000, 0}).rounds.empty());
    CHECK(generator.cost({alone, 0, 1000, 0}, odd_wire_size) == Cost{});
  }
}

TEST_CASE("numbers are summed, the same on every rank") {
  for (const auto& [nodes, ranks_per_node] : {std::pair{2, 1}, {3, 1}, {7, 1}, {2, 4}, {3, 3}}) {
    const schedules::Topology topology = schedules::Topology::uniform(nodes, ranks_per_node);
    for (const std::string_view name : {"two_shot", "hierarchical", "ring", "recursive_doubling"}) {
      INFO(name << " on " << nodes << " nodes of " << ranks_per_node);
      const Generator& generator = *find_generator(name);
      const Machine machine(generator, topology, uneven(topology.ranks()));
      for (int shard = 0; shard < machine.shards(); ++shard) {
        double sum = 0.0;
        for (int rank = 0; rank < topology.ranks(); ++rank) sum += contribution(rank, shard);
        // Each of the encodings on the way is off by 1/256 at most; there are less than 2 per rank.
        CHECK(machine.value(0, shard) ==
              Approx(sum).margin(generator.exact_only ? 1e-12 : 2.0 / 256 * topology.ranks()));
        for (int rank = 1; rank < topology.ranks(); ++rank)
          CHECK(machine.value(rank, shard) == machine.value(0, shard));
      }
    }
  }
}

TEST_CASE("two-shot with three ranks reads as documented") {
  const schedules::Schedule schedule =
      schedules::two_shot({schedules::Topology::uniform(3, 1), 1, 3 * kBlock});
  const std::vector<schedules::Round> expected = {{{schedules::Action::send_fresh, 2, 2},
                                                   {schedules::Action::send_fresh, 0, 0},
                                                   {schedules::Action::receive_add, 1, 0},
                                                   {schedules::Action::receive_add, 1, 2}},
                                                  {{schedules::Action::seal, 1},
                                                   {schedules::Action::send_sealed, 1, 2},
                                                   {schedules::Action::send_sealed, 1, 0},
                                                   {schedules::Action::receive_final, 0, 0},
                                                   {schedules::Action::receive_final, 2, 2}}};
  CHECK(schedule.rounds == expected);
}

TEST_CASE("generators are found by their names") {
  for (const Generator& generator : schedules::generators())
    CHECK(find_generator(generator.name) == &generator);
  CHECK(find_generator("two-shot") == nullptr);
  CHECK(find_generator("") == nullptr);
}
