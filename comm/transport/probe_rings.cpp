#include "comm/transport/probe_rings.hpp"

#include "kernels/base/error.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace eightfold::comm::transport {
namespace {

using Rings = std::vector<std::vector<int>>;

// The groups of a map, without those of one.
template <class Key>
Rings rings_of(const std::map<Key, std::vector<int>>& groups) {
  Rings rings;
  for (const auto& [key, ranks] : groups)
    if (ranks.size() > 1) rings.push_back(ranks);
  return rings;
}

}  // namespace

std::optional<RingPlace> ProbeRings::place_of(int rank) const {
  for (const std::vector<int>& ring : rings) {
    const auto at = static_cast<std::size_t>(std::ranges::find(ring, rank) - ring.begin());
    if (at < ring.size())
      return RingPlace{ring[(at + ring.size() - 1) % ring.size()], ring[(at + 1) % ring.size()]};
  }
  return std::nullopt;
}

std::vector<ProbeRings> probe_rings(const schedules::Topology& topology,
                                    std::span<const std::uint64_t> gpu_by_rank) {
  base::require(gpu_by_rank.size() == static_cast<std::size_t>(topology.ranks()), "{} GPUs of {} ranks",
                gpu_by_rank.size(), topology.ranks());
  // Ordered maps: all ranks have to come to the same rings in the same order.
  std::map<std::pair<int, std::uint64_t>, std::vector<int>> by_gpu;
  std::map<int, std::vector<int>> by_node, by_place;
  for (int rank = 0; rank < topology.ranks(); ++rank) {
    std::vector<int>& sharers = by_gpu[{topology.node_of(rank), gpu_by_rank[static_cast<std::size_t>(rank)]}];
    // One rank for each GPU: two on one GPU would probe the wrong link.
    if (sharers.empty()) by_node[topology.node_of(rank)].push_back(rank);
    sharers.push_back(rank);
    by_place[topology.local_rank(rank)].push_back(rank);
  }
  std::vector<ProbeRings> kinds;
  const auto add = [&](std::string_view link, Rings rings) {
    if (!rings.empty()) kinds.push_back({link, std::move(rings)});
  };
  add("the same GPU", rings_of(by_gpu));
  add("GPUs of a node", rings_of(by_node));
  add("other nodes", rings_of(by_place));
  return kinds;
}

}  // namespace eightfold::comm::transport
