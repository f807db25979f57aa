#pragma once

// The ranks between which a transport is probed. They form rings, so that every rank sends and receives at
// once.

#include "comm/schedules/topology.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace eightfold::comm::transport {

struct RingPlace {
  int previous;
  int next;

  friend bool operator==(const RingPlace&, const RingPlace&) = default;
};

// The rings over one kind of link. No rank is in two of them, and each has two ranks at least.
struct ProbeRings {
  std::string_view link;  // "the same GPU", "GPUs of a node", "other nodes"
  std::vector<std::vector<int>> rings;

  // Nothing for a rank in none of them.
  std::optional<RingPlace> place_of(int rank) const;
};

// Three kinds: ranks that share a GPU, the lowest ranks of each GPU of a node, ranks with the same place on
// their nodes. Kinds without a ring are left out. `gpu_by_rank`: any number that tells the GPUs of a node
// apart.
std::vector<ProbeRings> probe_rings(const schedules::Topology& topology,
                                    std::span<const std::uint64_t> gpu_by_rank);

}  // namespace eightfold::comm::transport
