#include "comm/prover/messages.hpp"

#include "kernels/base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <compare>

namespace eightfold::comm::prover {
namespace {

// Rule 2 of comm/schedules/schedule.hpp. The round is no part of it, because the tags of the executor have
// none, either. A second message of the same address could meet the wrong receive.
struct Address {
  int sender;
  int receiver;
  int shard;
  bool sealed;
  auto operator<=>(const Address&) const = default;
};

Address address_of(const PlacedStep& placed) {
  const auto& [rank, round, step, other_end] = placed;
  const bool sealed =
      step.action == schedules::Action::send_sealed || step.action == schedules::Action::receive_final;
  return is_send(step) ? Address{rank, step.peer, step.shard, sealed}
                       : Address{step.peer, rank, step.shard, sealed};
}

// Before messages are joined: a step that names nobody would be reported there as a message without its other
// end.
void check_step(const PlacedStep& placed, std::span<const schedules::Schedule> schedules) {
  const auto& [rank, round, step, other_end] = placed;
  const std::vector<schedules::Shard>& shards = schedules[static_cast<std::size_t>(rank)].shards;
  const auto shard_count = static_cast<int>(shards.size()), ranks = static_cast<int>(schedules.size());
  if (step.shard < 0 || step.shard >= shard_count)
    base::raise<base::InternalError>("{}: there are {} shards", to_string(placed), shard_count);
  if (shards[static_cast<std::size_t>(step.shard)].count == 0)
    base::raise<base::InternalError>("{}: the shard is empty", to_string(placed));
  if (step.action == schedules::Action::seal) return;
  if (step.peer < 0 || step.peer >= ranks)
    base::raise<base::InternalError>("{}: there are {} ranks", to_string(placed), ranks);
  if (step.peer == rank) base::raise<base::InternalError>("{}: that is itself", to_string(placed));
}

[[noreturn]] void raise_alone(const PlacedStep& end) {
  const auto [sender, receiver, shard, sealed] = address_of(end);
  if (is_send(end.step))
    base::raise<base::InternalError>("{}, but rank {} does not {} it", to_string(end), receiver,
                                     sealed ? "receive" : "add");
  base::raise<base::InternalError>("{}, but rank {} does not send it {}", to_string(end), sender,
                                   sealed ? "sealed" : "fresh");
}

}  // namespace

std::string to_string(const PlacedStep& placed) {
  return fmt::format("rank {} {} in round {}", placed.rank, schedules::to_string(placed.step), placed.round);
}

std::vector<PlacedStep> placed_steps(std::span<const schedules::Schedule> schedules) {
  std::vector<PlacedStep> steps;
  for (std::size_t rank = 0; rank < schedules.size(); ++rank) {
    const std::vector<schedules::Round>& rounds = schedules[rank].rounds;
    for (std::size_t round = 0; round < rounds.size(); ++round) {
      for (const schedules::Step& step : rounds[round]) {
        steps.push_back({static_cast<int>(rank), static_cast<int>(round), step});
        check_step(steps.back(), schedules);
      }
    }
  }
  return steps;
}

// By rule 2 an address occurs once at its sender and once at its receiver. Sorting by address puts the two
// ends side by side. A look at the neighbours then finds every fault: an end alone, two of one kind, a third.
void join_messages(std::vector<PlacedStep>& steps) {
  struct End {
    Address address;
    bool receives;
    int place;
    auto operator<=>(const End&) const = default;
  };
  std::vector<End> ends;
  for (std::size_t i = 0; i < steps.size(); ++i)
    if (steps[i].step.action != schedules::Action::seal)
      ends.push_back({address_of(steps[i]), is_receive(steps[i].step), static_cast<int>(i)});
  std::ranges::sort(ends);  // the two ends of a message follow each other, the send first

  const auto step = [&](const End& end) -> PlacedStep& { return steps[static_cast<std::size_t>(end.place)]; };
  const auto raise_twice = [&](const End& first, const End& second) {
    base::raise<base::InternalError>("{}, and again in round {}", to_string(step(first)), step(second).round);
  };
  for (std::size_t i = 0; i < ends.size(); i += 2) {
    const auto has_address = [&, &address = ends[i].address](std::size_t place) {
      return place < ends.size() && ends[place].address == address;
    };
    if (!has_address(i + 1)) raise_alone(step(ends[i]));
    if (ends[i].receives == ends[i + 1].receives) raise_twice(ends[i], ends[i + 1]);
    if (has_address(i + 2)) raise_twice(ends[i + 1], ends[i + 2]);
    step(ends[i]).other_end = ends[i + 1].place;
    step(ends[i + 1]).other_end = ends[i].place;
  }
}

}  // namespace eightfold::comm::prover
