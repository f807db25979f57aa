#pragma once

// A Schedule in the form that the simulator replays. All shards that a rank sends to one peer in a round, or
// receives from it, are one task. Else a hierarchical schedule would have one message per shard.

#include "comm/schedules/schedule.hpp"

#include <cstdint>
#include <vector>

namespace eightfold::comm::simulator {

struct ReplayTask {
  // A sum in place, which nothing encodes, is a seal with `encoded` 0.
  schedules::Action action = schedules::Action::seal;
  int peer = schedules::kNoRank;
  int round = 0;

  std::int64_t encoded = 0;  // elements
  std::int64_t decoded = 0;  // elements, counted once for every contribution
  std::size_t bytes = 0;     // on the wire

  int first_shard = 0;
  int shards = 0;
  int waits_for = 0;      // tasks of this rank
  std::vector<int> then;  // the tasks that wait for it
  int meets = -1;         // the receiving task of `peer` for this send

  bool is_send() const {
    return action == schedules::Action::send_fresh || action == schedules::Action::send_sealed;
  }
  bool is_receive() const {
    return action == schedules::Action::receive_add || action == schedules::Action::receive_final;
  }
};

// In the order of their first steps in the schedule.
using ReplayPlan = std::vector<ReplayTask>;

struct BucketPlan {
  std::vector<ReplayPlan> ranks;
  std::int64_t segments = 1;  // of its largest shard; the executor sends one message per segment
  int pieces = 1;             // per task: `segments`, or 1 if the messages would be too many
};

// The tasks of every rank. `wire` is the size of a whole shard on the wire. Throws InternalError for
// schedules whose messages do not meet.
std::vector<ReplayPlan> plan_replay(std::span<const schedules::Schedule> schedules,
                                    const schedules::WireSize& wire);

}  // namespace eightfold::comm::simulator
