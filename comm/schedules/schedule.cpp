#include "comm/schedules/schedule.hpp"

#include "kernels/base/error.hpp"
#include "quant8/format.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace eightfold::comm::schedules {

std::string_view to_string(Collective collective) {
  switch (collective) {
    case Collective::all_reduce:
      return "all_reduce";
    case Collective::reduce_scatter:
      return "reduce_scatter";
    case Collective::all_gather:
      return "all_gather";
    case Collective::broadcast:
      return "broadcast";
    case Collective::scatter:
      return "scatter";
    case Collective::gather:
      return "gather";
  }
  base::raise<base::InternalError>("collective {} has no name", static_cast<int>(collective));
}

int place_in_round(Action action) {
  switch (action) {
    case Action::seal:
      return 0;
    case Action::send_fresh:
    case Action::send_sealed:
      return 1;
    case Action::receive_add:
    case Action::receive_final:
      return 2;
  }
  base::raise<base::InternalError>("action {} has no place", static_cast<int>(action));
}

std::string to_string(const Step& step) {
  switch (step.action) {
    case Action::seal:
      return fmt::format("seals shard {}", step.shard);
    case Action::send_fresh:
      return fmt::format("sends shard {} fresh to rank {}", step.shard, step.peer);
    case Action::send_sealed:
      return fmt::format("sends shard {} sealed to rank {}", step.shard, step.peer);
    case Action::receive_add:
      return fmt::format("adds shard {} from rank {}", step.shard, step.peer);
    case Action::receive_final:
      return fmt::format("receives shard {} sealed from rank {}", step.shard, step.peer);
  }
  base::raise<base::InternalError>("action {} has no name", static_cast<int>(step.action));
}

std::vector<Shard> even_shards(std::int64_t elements, std::span<const int> owners) {
  base::require(elements >= 0 && !owners.empty(), "{} elements cannot be divided among {} owners", elements,
                owners.size());
  const std::int64_t blocks = quant8::blocks_of(elements);
  const auto parts = static_cast<std::int64_t>(owners.size());
  std::vector<Shard> shards;
  shards.reserve(owners.size());
  std::int64_t first_block = 0, begin = 0;
  for (std::int64_t part = 0; part < parts; ++part) {
    first_block += blocks / parts + (part < blocks % parts ? 1 : 0);
    const std::int64_t end = std::min(first_block * quant8::kBlock, elements);
    shards.push_back({begin, end - begin, owners[static_cast<std::size_t>(part)]});
    begin = end;
  }
  return shards;
}

std::size_t bytes_sent(const Schedule& schedule, const WireSize& wire) {
  std::size_t bytes = 0;
  for (const Round& round : schedule.rounds)
    for (const Step& step : round)
      if (step.action == Action::send_fresh || step.action == Action::send_sealed)
        bytes += wire(schedule.shards[static_cast<std::size_t>(step.shard)].count);
  return bytes;
}

}  // namespace eightfold::comm::schedules
