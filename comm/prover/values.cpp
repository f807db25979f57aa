#include "comm/prover/values.hpp"

#include "kernels/base/hash.hpp"

#include <algorithm>
#include <bit>

namespace eightfold::comm::prover {
namespace {

constexpr int kBits = 64;

std::size_t word_of(int rank) {
  return static_cast<std::size_t>(rank / kBits);
}
std::uint64_t bit_of(int rank) {
  return std::uint64_t{1} << (rank % kBits);
}

}  // namespace

std::size_t Values::HashTerms::operator()(const std::vector<Id>& terms) const {
  return base::hash64(std::span<const Id>(terms));
}

// contribution() relies on it that the first ids are the ranks.
Values::Values(int ranks, bool exact) : exact_(exact) {
  for (int rank = 0; rank < ranks; ++rank) {
    Node node{.contributors = std::vector<std::uint64_t>(word_of(ranks - 1) + 1)};
    node.contributors[word_of(rank)] = bit_of(rank);
    add(std::move(node));
  }
}

Values::Id Values::add(Node node) {
  nodes_.push_back(std::move(node));
  return static_cast<Id>(nodes_.size()) - 1;
}

// Encoding counts as a function of the value: whoever encodes it again gets the same id. Residuals and random
// numbers would tell such encodings apart, but no lossy generator has two ranks encode one value.
Values::Id Values::encoded(Id value) {
  if (exact_) return value;
  if (const Id known = node(value).encoded; known != kNothing) return known;
  const Id made = add({.contributors = node(value).contributors, .quantisations = quantisations(value) + 1});
  // By its index, because add() may have moved the nodes.
  nodes_[static_cast<std::size_t>(value)].encoded = made;
  return made;
}

// Terms in another order make another value: fp32 addition is not associative.
Values::Id Values::sum(std::span<const Id> terms) {
  std::vector<Id> key(terms.begin(), terms.end());
  if (const auto known = sums_.find(key); known != sums_.end()) return known->second;
  Node total = node(terms.front());
  // The copy would pass for encoded where its first term is.
  total.encoded = kNothing;
  for (const Id term : terms.subspan(1)) {
    for (std::size_t word = 0; word < total.contributors.size(); ++word)
      total.contributors[word] |= node(term).contributors[word];
    total.quantisations = std::max(total.quantisations, quantisations(term));
  }
  return sums_.emplace(std::move(key), add(std::move(total))).first->second;
}

// 64 ranks at a time. Contributors within one term are distinct already, since every sum has been checked.
std::optional<int> Values::counted_twice(std::span<const Id> terms) const {
  for (std::size_t word = 0; word < nodes_.front().contributors.size(); ++word) {
    std::uint64_t once = 0, twice = 0;
    for (const Id term : terms) {
      twice |= once & node(term).contributors[word];
      once |= node(term).contributors[word];
    }
    if (twice != 0) return static_cast<int>(word) * kBits + std::countr_zero(twice);
  }
  return std::nullopt;
}

bool Values::contains(Id value, int rank) const {
  return (node(value).contributors[word_of(rank)] & bit_of(rank)) != 0;
}

}  // namespace eightfold::comm::prover
