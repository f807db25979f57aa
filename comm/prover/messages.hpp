#pragma once

// The steps of all ranks in one list, and which of them are two ends of one message.

#include "comm/schedules/schedule.hpp"

#include <span>
#include <string>
#include <vector>

namespace eightfold::comm::prover {

struct PlacedStep {
  int rank = 0;
  int round = 0;
  schedules::Step step;
  int other_end = schedules::kNoRank;  // of a send or receive, its place in the list
};
// "rank 1 sends shard 3 sealed to rank 2 in round 0"
std::string to_string(const PlacedStep& placed);

inline bool is_send(const schedules::Step& step) {
  return step.action == schedules::Action::send_fresh || step.action == schedules::Action::send_sealed;
}
inline bool is_receive(const schedules::Step& step) {
  return step.action == schedules::Action::receive_add || step.action == schedules::Action::receive_final;
}

// By rank, by round, as written. Throws InternalError when a step names a peer or a shard that does not
// exist, or an empty shard.
std::vector<PlacedStep> placed_steps(std::span<const schedules::Schedule> schedules);

// Sets other_end. Throws InternalError when an end has no other, and when two messages have one address.
void join_messages(std::vector<PlacedStep>& steps);

}  // namespace eightfold::comm::prover
