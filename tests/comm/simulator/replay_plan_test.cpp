#include "comm/simulator/replay_plan.hpp"

#include "tests/comm/simulator/step.hpp"
#include "tests/support/test.hpp"

#include <deque>
#include <utility>

using namespace eightfold;
using comm::simulator::ReplayPlan;
using comm::simulator::ReplayTask;

namespace {

std::size_t place(int index) {
  return static_cast<std::size_t>(index);
}

// Executes all plans at once, as far as they let it. Whether every task of every rank came to its end.
bool ends(const std::vector<ReplayPlan>& plans) {
  std::vector<std::vector<int>> waits_for;
  std::deque<std::pair<std::size_t, std::size_t>> ready;  // rank and task
  std::size_t left = 0;
  const auto release = [&](std::size_t rank, std::size_t task) {
    if (--waits_for[rank][task] == 0) ready.emplace_back(rank, task);
  };
  for (const ReplayPlan& plan : plans) {
    waits_for.emplace_back();
    for (const ReplayTask& task : plan)  // a task waits for the begin, and a receive for its message
      waits_for.back().push_back(task.waits_for + 1 + (task.is_receive() ? 1 : 0));
    left += plan.size();
  }
  for (std::size_t rank = 0; rank < plans.size(); ++rank)
    for (std::size_t task = 0; task < plans[rank].size(); ++task) release(rank, task);
  for (; !ready.empty(); ready.pop_front(), --left) {
    const auto [rank, number] = ready.front();
    const ReplayTask& task = plans[rank][number];
    if (task.is_send()) release(place(task.peer), place(task.meets));
    for (const int next : task.then) release(rank, place(next));
  }
  return left == 0;
}

// Whether every message is sent by one task and received by one, as long as it was sent.
bool meet(const std::vector<ReplayPlan>& plans) {
  std::vector<std::vector<int>> senders;
  for (const ReplayPlan& plan : plans) senders.emplace_back(plan.size());
  for (std::size_t rank = 0; rank < plans.size(); ++rank)
    for (const ReplayTask& send : plans[rank]) {
      if (!send.is_send()) continue;
      const ReplayTask& receive = plans[place(send.peer)][place(send.meets)];
      if (!receive.is_receive() || place(receive.peer) != rank || receive.bytes != send.bytes) return false;
      ++senders[place(send.peer)][place(send.meets)];
    }
  for (std::size_t rank = 0; rank < plans.size(); ++rank)
    for (std::size_t task = 0; task < plans[rank].size(); ++task)
      if (senders[rank][task] != (plans[rank][task].is_receive() ? 1 : 0)) return false;
  return true;
}

std::size_t bytes_of(const ReplayPlan& plan) {
  std::size_t bytes = 0;
  for (const ReplayTask& task : plan)
    if (task.is_send()) bytes += task.bytes;
  return bytes;
}

}  // namespace

TEST_CASE("the tasks of all ranks meet, end, and send the bytes of the schedules") {
  const comm::schedules::WireSize wire = test::default_wire(quant8::Format::fp32, kernels::DeviceKind::host);
  for (const auto* generator : test::allreduces(quant8::Format::fp32))
    for (int nodes = 1; nodes <= 6; ++nodes)
      for (int each = 1; each <= 4; ++each)
        for (const std::int64_t elements : {0, 1, 255, 256, 257, 100'000}) {
          const comm::schedules::Topology topology = comm::schedules::Topology::uniform(nodes, each);
          std::vector<comm::schedules::Schedule> schedules;
          for (int rank = 0; rank < topology.ranks(); ++rank)
            schedules.push_back(generator->schedule({topology, rank, elements}));
          const std::vector<ReplayPlan> plans = comm::simulator::plan_replay(schedules, wire);
          INFO(generator->name << ", " << nodes << " nodes of " << each << ", " << elements << " elements");
          CHECK(meet(plans));
          CHECK(ends(plans));
          for (std::size_t rank = 0; rank < plans.size(); ++rank)
            CHECK(bytes_of(plans[rank]) == bytes_sent(schedules[rank], wire));
        }
}

TEST_CASE("what a rank has for a peer in a round is one task, however many shards") {
  const comm::schedules::Topology topology = comm::schedules::Topology::uniform(8, 2);
  std::vector<comm::schedules::Schedule> schedules;
  for (int rank = 0; rank < topology.ranks(); ++rank)
    schedules.push_back(comm::schedules::hierarchical({topology, rank, 1 << 20}));
  const auto plans = comm::simulator::plan_replay(
      schedules, [](std::int64_t elements) { return place(static_cast<int>(elements)); });
  // To the neighbour, to 7 others of its rail, twice each; as many received; its shards sealed.
  for (const ReplayPlan& plan : plans) CHECK(plan.size() == 2 * (8 + 8) + 1);
}

TEST_CASE("every contribution is encoded once and decoded once, and the seal's result too") {
  const comm::schedules::Topology topology = comm::schedules::Topology::uniform(4, 1);
  std::vector<comm::schedules::Schedule> schedules;
  for (int rank = 0; rank < topology.ranks(); ++rank)
    schedules.push_back(comm::schedules::two_shot({topology, rank, 4096}));
  const auto plans = comm::simulator::plan_replay(
      schedules, [](std::int64_t elements) { return place(static_cast<int>(elements)); });
  for (const ReplayPlan& plan : plans) {
    std::int64_t encoded = 0, decoded = 0;
    for (const ReplayTask& task : plan) encoded += task.encoded, decoded += task.decoded;
    CHECK(encoded == 3 * 1024 + 1024);
    CHECK(decoded == 3 * 1024 + 1024 + 3 * 1024);
  }
}

TEST_CASE("schedules whose messages do not meet are a defect") {
  const comm::schedules::Topology topology = comm::schedules::Topology::uniform(2, 1);
  const std::vector<comm::schedules::Schedule> schedules = {comm::schedules::two_shot({topology, 0, 4096}),
                                                            comm::schedules::ring({topology, 0, 4096})};
  CHECK_THROWS_AS(comm::simulator::plan_replay(schedules, [](std::int64_t) { return std::size_t{1}; }),
                  base::InternalError);
}
