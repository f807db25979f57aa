#include "comm/engine/async_max.hpp"

#include "comm/mpi/communicator_handles.hpp"

namespace eightfold::comm::engine {

struct AsyncMax::Slot {
  std::uint32_t mine = 0;
  std::uint32_t maximum = 0;
  MPI_Request request = MPI_REQUEST_NULL;
  bool has_begun = false;
  Engine::Ticket ticket = 0;

  Progress advance(const mpi::Communicator& communicator) {
    // Begun on the engine's thread, in the work's turn. Nonblocking collectives, too, have to start in the
    // same order on all ranks (MPI 3.1, section 5.12).
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

AsyncMax::AsyncMax(Engine& engine, std::size_t pending) : engine_(engine), slots_(pending) {}

AsyncMax::Slot& AsyncMax::slot(std::size_t number) {
  return slots_[number % slots_.size()];
}

// MPI writes to a slot until its maximum is known.
AsyncMax::~AsyncMax() {
  try {
    while (under_way() > 0) result();
  } catch (...) {  // the engine has failed; whoever waited for it was told
  }
}

void AsyncMax::submit(std::uint32_t value) {
  base::require(under_way() < slots_.size(), "{} maxima under way", under_way());
  Slot& slot = this->slot(submitted_++);
  slot.mine = value;
  slot.has_begun = false;
  slot.ticket =
      engine_.submit([&slot](mpi::Communicator& communicator) { return slot.advance(communicator); },
                     Engine::Sharing::concurrent);
}

std::uint32_t AsyncMax::result() {
  base::require(under_way() > 0, "no maximum is under way");
  const Slot& slot = this->slot(taken_++);
  engine_.wait(slot.ticket);
  return slot.maximum;
}

}  // namespace eightfold::comm::engine
