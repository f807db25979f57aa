#pragma once

// The MPI communicators behind a Communicator. Internal to comm/: transports and measurements send on them.

#include "comm/mpi/communicator.hpp"
#include "comm/mpi/mpi_error.hpp"

#include <string>

namespace eightfold::comm::mpi {

// Owns a communicator; errors are returned, not fatal.
class OwnedComm {
 public:
  explicit OwnedComm(MPI_Comm comm) : comm_(comm) {
    EIGHTFOLD_MPI_CHECK(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN));
  }
  ~OwnedComm();
  OwnedComm(const OwnedComm&) = delete;  // one owner
  OwnedComm& operator=(const OwnedComm&) = delete;

  MPI_Comm get() const noexcept { return comm_; }

 private:
  MPI_Comm comm_;
};

struct Communicator::Handles {
  OwnedComm world;  // messages between two ranks belong to the transports (comm/transport/transport.hpp)
  OwnedComm node;
  int rank = 0, size = 0, local_rank = 0, local_size = 0, node_count = 0;
  std::string host;

  explicit Handles(MPI_Comm comm);
};

}  // namespace eightfold::comm::mpi
