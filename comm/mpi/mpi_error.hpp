#pragma once

// Every MPI call that can be answered goes through EIGHTFOLD_MPI_CHECK; those that end or free things in
// destructors log what fails. Internal to comm/: nobody above includes mpi.h.

#include "kernels/base/error.hpp"

#include <mpi.h>
#ifndef OPEN_MPI
#error "only Open MPI is supported: this mpi.h is another library's (require_supported_mpi says why)"
#endif

#include <source_location>

namespace eightfold::comm::mpi {

// An MPI call that returned an error code; the communicators of this folder return errors instead of ending
// the job.
class MpiError : public base::LibraryError {
 public:
  using LibraryError::LibraryError;
};

[[noreturn]] void throw_mpi_error(const char* call, int code, std::source_location where);

}  // namespace eightfold::comm::mpi

// Evaluates an MPI call once and throws MpiError, with the call, MPI's text and this place, unless it
// succeeded.
#define EIGHTFOLD_MPI_CHECK(call)                                                                          \
  do {                                                                                                     \
    if (const int eightfold_mpi_code = (call); eightfold_mpi_code != MPI_SUCCESS)                          \
      ::eightfold::comm::mpi::throw_mpi_error(#call, eightfold_mpi_code, std::source_location::current()); \
  } while (0)
