#include "runtime/run/residuals.hpp"

#include "comm/mpi/agreed_error.hpp"
#include "kernels/buffer.hpp"
#include "tests/support/ranks.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

using namespace eightfold;
using namespace eightfold::runtime;
using test::world;

namespace {

constexpr std::size_t kElements = 600;

// What rank `rank` has lost: whole numbers, and zeros of both signs.
std::vector<float> residual_of(int rank) {
  std::vector<float> values(kElements);
  for (std::size_t i = 0; i < kElements; ++i)
    values[i] = i % 5 == 0 ? std::copysign(0.0F, i % 2 == 0 ? 1.0F : -1.0F)
                           : static_cast<float>(i) * static_cast<float>(rank + 1);
  return values;
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

checkpoint::Draft draft_in(checkpoint::Store& store) {
  return {store, {7, world().size(), "hash", "", {}, {}, 0}};
}

// A checkpoint with the residuals of so many ranks, written by rank 0 alone.
checkpoint::Found saved_by(int ranks, const test::Scratch& scratch) {
  if (world().rank() != 0) return {};
  checkpoint::Store store(scratch.path());
  auto draft = draft_in(store);
  for (int rank = 0; rank < ranks; ++rank) {
    std::vector<float> values = residual_of(rank);
    draft.add_residual(rank, kernels::host_tensor(std::span(values), kernels::Shape{kElements}));
  }
  return checkpoint::find(draft.publish(2));
}

const kernels::Stream& host_stream() {
  static const kernels::Stream stream{kernels::Device{}};
  return stream;
}

}  // namespace

TEST_CASE("on as many ranks as were saved each gets its residual back, bit for bit") {
  const test::Scratch scratch;
  const kernels::Buffer<float> residual({}, kElements);
  const kernels::Tensor tensor = residual.tensor();
  std::ranges::copy(residual_of(world().rank()), tensor.span<float>().begin());
  std::optional<checkpoint::Store> store;
  std::optional<checkpoint::Draft> draft;
  checkpoint::Found found;
  if (world().rank() == 0)
    draft.emplace(store.emplace(scratch.path()), checkpoint::Contents{7, world().size(), "", "", {}, {}, 0});
  std::vector<float> passing(kElements);
  run::save_residuals(world(), host_stream(), tensor, passing, draft ? &*draft : nullptr);
  if (draft) found = checkpoint::find(draft->publish(2));
  std::ranges::fill(tensor.span<float>(), 9.0F);
  run::restore_residuals(world(), host_stream(), tensor, found);
  CHECK_ALL_RANKS(same_bits(tensor.span<float>(), residual_of(world().rank())));
}

TEST_CASE("on another number of ranks the sum of the residuals is what it was") {
  for (const int saved : {1, 2, 3, 7}) {
    const test::Scratch scratch;
    const checkpoint::Found found = saved_by(saved, scratch);
    const kernels::Buffer<float> residual({}, kElements);
    run::restore_residuals(world(), host_stream(), residual.tensor(), found);
    std::vector<float> sum(residual.data(), residual.data() + kElements);
    world().sum(std::span(sum));
    std::vector<float> expected(kElements);
    for (int rank = 0; rank < saved; ++rank)
      std::ranges::transform(expected, residual_of(rank), expected.begin(), std::plus<>());
    CAPTURE(saved);
    CHECK_ALL_RANKS(sum == expected);
  }
}

TEST_CASE("a checkpoint without residuals leaves them as they are") {
  const test::Scratch scratch;
  const kernels::Buffer<float> residual({}, kElements);
  std::ranges::fill(residual.tensor().span<float>(), 4.0F);
  run::restore_residuals(world(), host_stream(), residual.tensor(), saved_by(0, scratch));
  CHECK_ALL_RANKS(
      std::ranges::all_of(residual.tensor().span<float>(), [](float value) { return value == 4; }));
}

TEST_CASE("a residual of another size is refused by every rank") {
  const test::Scratch scratch;
  const checkpoint::Found found = saved_by(1, scratch);
  const kernels::Buffer<float> residual({}, kElements + 1);
  bool is_refused = false;
  try {
    run::restore_residuals(world(), host_stream(), residual.tensor(), found);
  } catch (const comm::mpi::AgreedError& error) {
    is_refused = error.exit_code() == base::ExitCode::data;
  }
  CHECK_ALL_RANKS(is_refused);
}
