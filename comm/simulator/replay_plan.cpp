#include "comm/simulator/replay_plan.hpp"

#include "kernels/base/error.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace eightfold::comm::simulator {
namespace {

struct Passed {
  schedules::Step step;
  int round;
};

// The steps of every shard in the order in which it passes them.
std::vector<std::vector<Passed>> steps_by_shard(const schedules::Schedule& schedule) {
  std::vector<std::vector<Passed>> steps(schedule.shards.size());
  for (std::size_t round = 0; round < schedule.rounds.size(); ++round)
    for (int place = 0; place < schedules::kPlacesInRound; ++place)
      for (const schedules::Step& step : schedule.rounds[round])
        if (schedules::place_in_round(step.action) == place)
          steps[static_cast<std::size_t>(step.shard)].push_back({step, static_cast<int>(round)});
  return steps;
}

ReplayTask new_task(schedules::Action action, int peer, int round) {
  ReplayTask task;
  task.action = action;
  task.peer = peer;
  task.round = round;
  return task;
}

// Makes the tasks of one rank.
class Planner {
 public:
  Planner(const schedules::Schedule& schedule, const schedules::WireSize& wire)
      : schedule_(schedule), wire_(wire) {}

  ReplayPlan take() && {
    // In the order of the schedule, which going through it shard by shard would lose.
    for (std::size_t round = 0; round < schedule_.rounds.size(); ++round)
      for (const schedules::Step& step : schedule_.rounds[round])
        task_of(step.action, step.peer, static_cast<int>(round));
    const auto steps = steps_by_shard(schedule_);
    for (std::size_t shard = 0; shard < steps.size(); ++shard)
      add_shard(static_cast<int>(shard), steps[shard]);
    return std::move(plan_);
  }

 private:
  // Turns the order of a shard's steps into waits between tasks. What encodes or overwrites the values waits
  // for all tasks that have used them. A receive_add waits for none: its bytes stay in the message until the
  // next encoding sums them, which has the cost of decoding (`added`). A sealed send needs the sealed bytes
  // alone. Seals decode, too: the owner goes on with what the others get.
  void add_shard(int shard, std::span<const Passed> steps) {
    const std::int64_t elements = schedule_.shards[static_cast<std::size_t>(shard)].count;
    std::vector<int> before;  // what reads or writes the values, so far
    int sealed = -1, added = 0;
    for (const auto& [step, round] : steps) {
      const int task = task_of(step.action, step.peer, round);
      ReplayTask& now = plan_[static_cast<std::size_t>(task)];
      if (now.shards++ == 0) now.first_shard = shard;
      if (now.peer != schedules::kNoRank) now.bytes += wire_(elements);
      if (step.action == schedules::Action::send_sealed) {
        base::require(sealed >= 0, "a schedule {} before it is sealed", to_string(step));
        wait_for(task, sealed);
        continue;
      }
      if (step.action == schedules::Action::receive_add) {
        ++added;
      } else {
        for (const int earlier : before) wait_for(task, earlier);
        now.decoded += elements * std::exchange(added, 0);
        if (step.action != schedules::Action::receive_final) now.encoded += elements;
        if (step.action != schedules::Action::send_fresh) now.decoded += elements, sealed = task;
      }
      before.push_back(task);
    }
    if (added > 0) sum_in_place(before, elements * added);
  }

  // Contributions that are never encoded are summed all the same.
  void sum_in_place(std::span<const int> before, std::int64_t elements) {
    const int task =
        task_of(schedules::Action::seal, schedules::kNoRank, static_cast<int>(schedule_.rounds.size()));
    for (const int earlier : before) wait_for(task, earlier);
    plan_[static_cast<std::size_t>(task)].decoded += elements;
  }

  int task_of(schedules::Action action, int peer, int round) {
    const auto [found, is_new] = tasks_.try_emplace({action, peer, round}, static_cast<int>(plan_.size()));
    if (is_new) plan_.push_back(new_task(action, peer, round));
    return found->second;
  }

  void wait_for(int task, int earlier) {
    std::vector<int>& then = plan_[static_cast<std::size_t>(earlier)].then;
    if (task == earlier || std::ranges::find(then, task) != then.end()) return;
    then.push_back(task);
    ++plan_[static_cast<std::size_t>(task)].waits_for;
  }

  const schedules::Schedule& schedule_;
  const schedules::WireSize& wire_;
  ReplayPlan plan_;
  std::map<std::tuple<schedules::Action, int, int>, int> tasks_;
};

// Finds the receiver of every message.
// By rule 2 of comm/schedules/schedule.hpp one shard suffices to tell two messages of a kind apart.
class Meetings {
 public:
  explicit Meetings(std::span<const ReplayPlan> plans) {
    for (std::size_t rank = 0; rank < plans.size(); ++rank)
      for (std::size_t task = 0; task < plans[rank].size(); ++task)
        if (const ReplayTask& each = plans[rank][task]; each.is_receive())
          receivers_[{static_cast<int>(rank), each.peer, each.action, each.first_shard}] =
              static_cast<int>(task);
  }

  int receiver_of(const ReplayTask& send, int sender, std::span<const ReplayPlan> plans) const {
    const schedules::Action action = send.action == schedules::Action::send_fresh
                                         ? schedules::Action::receive_add
                                         : schedules::Action::receive_final;
    const auto found = receivers_.find({send.peer, sender, action, send.first_shard});
    base::require(found != receivers_.end(), "rank {} receives nothing of what rank {} sends in round {}",
                  send.peer, sender, send.round);
    const ReplayTask& receive =
        plans[static_cast<std::size_t>(send.peer)][static_cast<std::size_t>(found->second)];
    base::require(receive.shards == send.shards, "rank {} sends {} shards in round {}, rank {} receives {}",
                  sender, send.shards, send.round, send.peer, receive.shards);
    return found->second;
  }

 private:
  std::map<std::tuple<int, int, schedules::Action, int>, int> receivers_;
};

}  // namespace

std::vector<ReplayPlan> plan_replay(std::span<const schedules::Schedule> schedules,
                                    const schedules::WireSize& wire) {
  std::vector<ReplayPlan> plans;
  plans.reserve(schedules.size());
  for (const schedules::Schedule& schedule : schedules) plans.push_back(Planner(schedule, wire).take());
  const Meetings meetings(plans);
  for (std::size_t rank = 0; rank < plans.size(); ++rank)
    for (ReplayTask& task : plans[rank])
      if (task.is_send()) task.meets = meetings.receiver_of(task, static_cast<int>(rank), plans);
  return plans;
}

}  // namespace eightfold::comm::simulator
