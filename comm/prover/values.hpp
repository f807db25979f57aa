#pragma once

// The values of a symbolic run. Equal expressions have equal numbers, so "the same bits" is one comparison.
// An fp32 sum is an expression with its order of additions; an encoded value differs from the value before
// encoding.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace eightfold::comm::prover {

class Values {
 public:
  using Id = int;
  static constexpr Id kNothing = -1;

  // With an exact codec an encoded value is the value itself.
  Values(int ranks, bool exact);

  // The contribution of rank `rank`.
  Id contribution(int rank) const { return rank; }
  Id encoded(Id value);
  // Their sum in this order. Requires terms without a contribution in common.
  Id sum(std::span<const Id> terms);

  // The lowest rank whose contribution more than one of the terms contains.
  std::optional<int> counted_twice(std::span<const Id> terms) const;
  bool contains(Id value, int rank) const;
  // The most encodings between a contribution and this value.
  int quantisations(Id value) const { return node(value).quantisations; }

 private:
  struct Node {
    std::vector<std::uint64_t> contributors;  // one bit per rank
    int quantisations = 0;
    Id encoded = kNothing;  // once somebody has asked for it
  };
  const Node& node(Id value) const { return nodes_.at(static_cast<std::size_t>(value)); }
  Id add(Node node);

  struct HashTerms {
    std::size_t operator()(const std::vector<Id>& terms) const;
  };
  bool exact_;
  std::vector<Node> nodes_;
  std::unordered_map<std::vector<Id>, Id, HashTerms> sums_;
};

}  // namespace eightfold::comm::prover
