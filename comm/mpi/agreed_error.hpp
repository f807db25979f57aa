#pragma once

#include "kernels/base/error.hpp"

namespace eightfold::comm::mpi {

// An error that every rank of the job throws at the same point: one of them reports it, all leave in order.
class AgreedError : public base::Error {
 public:
  // `rank` is the rank on which it happened, 0 for what happened on all.
  AgreedError(base::ExitCode code, const std::string& message, int rank = 0,
              std::source_location where = std::source_location::current())
      : Error(code, message, where), rank_(rank) {}

  int rank() const noexcept { return rank_; }

 private:
  int rank_;
};

}  // namespace eightfold::comm::mpi
