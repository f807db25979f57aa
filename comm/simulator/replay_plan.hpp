#pragma once

// A Schedule as the simulator plays it: what a rank does in a round with shards that come from the same peer,
// or go to it, is one task. Without that, a hierarchical schedule of many ranks would be a message a shard.

#include "comm/schedules/schedule.hpp"

#include <cstdint>
#include <vector>

namespace eightfold::comm::simulator {

struct ReplayTask {
  // Adding up what nobody encodes is a seal of nothing.
  schedules::Action action = schedules::Action::seal;
  int peer = schedules::kNobody;
  int round = 0;

  std::int64_t encoded = 0;  // elements
  std::int64_t decoded = 0;  // elements, counted once for every contribution
  std::size_t bytes = 0;     // on the wire

  int first_shard = 0;
  int shards = 0;
  int waits_for = 0;      // tasks of this rank
  std::vector<int> then;  // those who wait for it
  int meets = -1;         // the task of `peer` that receives what this one sends

  bool is_send() const {
    return action == schedules::Action::send_fresh || action == schedules::Action::send_sealed;
  }
  bool is_receive() const {
    return action == schedules::Action::receive_add || action == schedules::Action::receive_final;
  }
};

// In the order in which the schedule has their first steps.
using ReplayPlan = std::vector<ReplayTask>;

// A bucket as the simulation plays it.
struct BucketPlan {
  std::vector<ReplayPlan> ranks;
  std::int64_t segments = 1;  // of its largest shard: what the executor sends one message each for
  int pieces = 1;             // of each task: as many, or 1
};

// The tasks of every rank. `wire` is the size of a whole shard on the wire. Throws InternalError for
// schedules whose messages do not meet.
std::vector<ReplayPlan> plan_replay(std::span<const schedules::Schedule> schedules,
                                    const schedules::WireSize& wire);

}  // namespace eightfold::comm::simulator
