#include "comm/mpi/clock_offset.hpp"

#include <chrono>

namespace eightfold::comm::mpi {
namespace {

// Each takes two collectives. A few suffice for one that nothing has delayed.
constexpr int kQuestions = 8;

double wall_clock_s() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// Rank 0's estimate from asking another rank once; the result on other ranks means nothing. Collective.
ClockOffset ask(Communicator& communicator, int rank) {
  double theirs_s = 0;
  const auto message = std::as_writable_bytes(std::span(&theirs_s, 1));
  const double asked_s = wall_clock_s();
  communicator.transfer(message, 0, rank);
  if (communicator.rank() == rank) theirs_s = wall_clock_s();
  communicator.transfer(message, rank, 0);
  const double answered_s = wall_clock_s();
  // The other clock was read between these two times: their middle misses that moment by half of it at most.
  return {theirs_s - (asked_s + answered_s) / 2, (answered_s - asked_s) / 2};
}

}  // namespace

ClockOffset clock_offset_of(Communicator& communicator, int rank) {
  ClockOffset offset;
  if (rank == 0) return offset;
  for (int question = 0; question < kQuestions; ++question) {
    const ClockOffset answer = ask(communicator, rank);
    if (question == 0 || answer.error_s < offset.error_s) offset = answer;
  }
  return offset;
}

std::vector<std::optional<ClockOffset>> clock_offsets(Communicator& communicator) {
  const auto local_ranks = communicator.all_gather(static_cast<std::uint64_t>(communicator.local_rank()));
  std::vector<std::optional<ClockOffset>> offsets(local_ranks.size());
  for (std::size_t rank = 0; rank < offsets.size(); ++rank)
    if (local_ranks[rank] == 0) offsets[rank] = clock_offset_of(communicator, static_cast<int>(rank));
  if (communicator.rank() != 0) offsets.assign(offsets.size(), std::nullopt);
  return offsets;
}

}  // namespace eightfold::comm::mpi
