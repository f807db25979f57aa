#include "comm/prover/messages.hpp"

#include "kernels/base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <tuple>

namespace eightfold::comm::prover {
namespace {

bool is_sealed(const Step& step) {
  return step.action == Action::send_sealed || step.action == Action::receive_adopt;
}

// Rule 2 of comm/schedule.hpp.
auto address(const PlacedStep& placed) {
  const bool sends = is_send(placed.step);
  return std::tuple(sends ? placed.rank : placed.step.peer, sends ? placed.step.peer : placed.rank,
                    placed.step.shard, is_sealed(placed.step));
}

void check_step(const PlacedStep& placed, std::span<const Schedule> schedules) {
  const auto& [rank, round, step, other_end] = placed;
  const std::vector<Shard>& shards = schedules[static_cast<std::size_t>(rank)].shards;
  const auto shard_count = static_cast<int>(shards.size()), ranks = static_cast<int>(schedules.size());
  if (step.shard < 0 || step.shard >= shard_count)
    base::raise<base::InternalError>("{}: there are {} shards", to_string(placed), shard_count);
  if (shards[static_cast<std::size_t>(step.shard)].count == 0)
    base::raise<base::InternalError>("{}: the shard is empty", to_string(placed));
  if (step.action == Action::seal) return;
  if (step.peer < 0 || step.peer >= ranks)
    base::raise<base::InternalError>("{}: there are {} ranks", to_string(placed), ranks);
  if (step.peer == rank) base::raise<base::InternalError>("{}: that is itself", to_string(placed));
}

[[noreturn]] void raise_alone(const PlacedStep& end) {
  const auto [sender, receiver, shard, sealed] = address(end);
  if (is_send(end.step))
    base::raise<base::InternalError>("{}, but rank {} does not {} it", to_string(end), receiver,
                                     sealed ? "adopt" : "add");
  base::raise<base::InternalError>("{}, but rank {} does not send it {}", to_string(end), sender,
                                   sealed ? "sealed" : "fresh");
}

}  // namespace

std::string to_string(const PlacedStep& placed) {
  return fmt::format("rank {} {} in round {}", placed.rank, comm::to_string(placed.step), placed.round);
}

std::vector<PlacedStep> placed_steps(std::span<const Schedule> schedules) {
  std::vector<PlacedStep> steps;
  for (std::size_t rank = 0; rank < schedules.size(); ++rank) {
    const std::vector<Round>& rounds = schedules[rank].rounds;
    for (std::size_t round = 0; round < rounds.size(); ++round) {
      for (const Step& step : rounds[round]) {
        steps.push_back({static_cast<int>(rank), static_cast<int>(round), step});
        check_step(steps.back(), schedules);
      }
    }
  }
  return steps;
}

void join_messages(std::vector<PlacedStep>& steps) {
  const auto at = [&](int place) -> PlacedStep& { return steps[static_cast<std::size_t>(place)]; };
  std::vector<int> ends(steps.size());
  std::iota(ends.begin(), ends.end(), 0);
  std::erase_if(ends, [&](int place) { return at(place).step.action == Action::seal; });
  // The ends of one message follow each other, the send first.
  std::ranges::sort(ends, {}, [&](int place) {
    return std::tuple_cat(address(at(place)), std::tuple(is_receive(at(place).step), place));
  });
  for (std::size_t i = 0; i < ends.size(); i += 2) {
    PlacedStep& first = at(ends[i]);
    if (i + 1 == ends.size() || address(at(ends[i + 1])) != address(first)) raise_alone(first);
    PlacedStep& second = at(ends[i + 1]);
    if (is_send(first.step) == is_send(second.step))
      base::raise<base::InternalError>("{}, and again in round {}", to_string(first), second.round);
    if (i + 2 < ends.size() && address(at(ends[i + 2])) == address(second))
      base::raise<base::InternalError>("{}, and again in round {}", to_string(second), at(ends[i + 2]).round);
    first.other_end = ends[i + 1];
    second.other_end = ends[i];
  }
}

}  // namespace eightfold::comm::prover
