#include "runtime/data/order.hpp"

#include "kernels/base/error.hpp"
#include "runtime/data/random_tensors.hpp"

#include <cmath>

namespace eightfold::runtime::data {
namespace {

// Even: both coordinates are changed equally often. Four are indistinguishable from random in theory; the
// rest is margin for the smallest grids.
constexpr std::uint64_t kRounds = 8;

struct Grid {
  std::uint64_t rows;
  std::uint64_t columns;
};

Grid smallest_grid(std::uint64_t size) {
  auto rows = static_cast<std::uint64_t>(std::sqrt(static_cast<double>(size)));
  while (rows * rows < size) ++rows;
  return {rows, (size + rows - 1) / rows};
}

// Each round adds a random function of one coordinate to the other, which can be undone: a permutation of the
// grid.
std::uint64_t feistel(const kernels::RandomKey& key, Grid grid, std::uint64_t cell) {
  std::uint64_t row = cell / grid.columns;
  std::uint64_t column = cell % grid.columns;
  for (std::uint64_t round = 0; round < kRounds; round += 2) {
    row = (row + kernels::philox(key, (round << 32) | column).word[0]) % grid.rows;
    column = (column + kernels::philox(key, ((round + 1) << 32) | row).word[0]) % grid.columns;
  }
  return row * grid.columns + column;
}

}  // namespace

// A Feistel network permutes the grid, which has slightly more cells than there are positions. A cell outside
// is permuted again until one lies inside ("cycle walking", Black and Rogaway 2002). The walk ends, because a
// permutation's cycle returns to where it began, and no two positions end in one cell.
std::uint64_t permuted(const kernels::RandomKey& key, std::uint64_t size, std::uint64_t position) {
  base::require(position < size, "position {} of {}", position, size);
  const Grid grid = smallest_grid(size);
  std::uint64_t cell = feistel(key, grid, position);
  while (cell >= size) cell = feistel(key, grid, cell);
  return cell;
}

SampleOrder::SampleOrder(std::uint64_t seed, std::int64_t size) : seed_(seed), size_(size) {
  base::require(size >= 0, "an order of {} samples", size);
}

std::int64_t SampleOrder::at(std::int64_t epoch, std::int64_t position) const {
  base::require(epoch >= 0 && epoch <= 0xFFFF'FFFF && position >= 0, "epoch {}, position {}", epoch,
                position);
  const kernels::RandomKey key{seed_, static_cast<std::uint32_t>(epoch), RandomTensor::sample_order};
  return static_cast<std::int64_t>(
      permuted(key, static_cast<std::uint64_t>(size_), static_cast<std::uint64_t>(position)));
}

}  // namespace eightfold::runtime::data
