#pragma once

// Compares the replicas of the weights on all ranks by their hashes.

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace eightfold::runtime::run {

// Nothing if all hashes (by rank) are equal. Else a sentence that names the ranks whose hash is not that of
// the majority. Without a majority, as with two ranks, it lists the hash of each rank.
std::optional<std::string> replica_mismatch(std::span<const std::uint64_t> hashes);

}  // namespace eightfold::runtime::run
