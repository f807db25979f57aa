#pragma once

// Whether the replicas of the weights are the same on all ranks, judged by their hashes.

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace eightfold::runtime::run {

// Nothing if all hashes (by rank) are equal. Else who differs, as a sentence: the ranks that do not have what
// more than half of all have. Where there is no such majority, as with two ranks, only what each has.
std::optional<std::string> replica_complaint(std::span<const std::uint64_t> hashes);

}  // namespace eightfold::runtime::run
