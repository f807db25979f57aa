#include "comm/engine/async_max.hpp"

#include "comm/mpi/communicator_handles.hpp"

namespace eightfold::comm::engine {

struct Vote::Ballot {
  std::uint32_t mine = 0;
  std::uint32_t maximum = 0;
  MPI_Request request = MPI_REQUEST_NULL;
  bool has_begun = false;
  Engine::Ticket ticket = 0;

  Progress advance(const mpi::Communicator& communicator) {
    if (!has_begun) {
      // NOLINTNEXTLINE(mpi-type-mismatch): clang-tidy does not know that uint32_t is unsigned int here
      EIGHTFOLD_MPI_CHECK(MPI_Iallreduce(&mine, &maximum, 1, MPI_UINT32_T, MPI_MAX,
                                         communicator.handles().world.get(), &request));
      has_begun = true;
    }
    int is_over = 0;
    EIGHTFOLD_MPI_CHECK(MPI_Test(&request, &is_over, MPI_STATUS_IGNORE));
    return is_over != 0 ? Progress::over : Progress::none;
  }
};

Vote::Vote(Engine& engine, std::size_t pending) : engine_(engine), ballots_(pending) {}

Vote::Ballot& Vote::ballot(std::size_t number) {
  return ballots_[number % ballots_.size()];
}

// MPI writes to a ballot until its vote is over.
Vote::~Vote() {
  try {
    while (under_way() > 0) outcome();
  } catch (...) {  // the engine has failed; whoever waited for it was told
  }
}

void Vote::cast(std::uint32_t value) {
  base::require(under_way() < ballots_.size(), "{} votes under way", under_way());
  Ballot& ballot = this->ballot(cast_++);
  ballot.mine = value;
  ballot.has_begun = false;
  ballot.ticket =
      engine_.submit([&ballot](mpi::Communicator& communicator) { return ballot.advance(communicator); },
                     Engine::Company::others);
}

std::uint32_t Vote::outcome() {
  base::require(under_way() > 0, "no vote is under way");
  const Ballot& ballot = this->ballot(taken_++);
  engine_.wait(ballot.ticket);
  return ballot.maximum;
}

}  // namespace eightfold::comm::engine
