#pragma once

// MPI's lifetime. Exactly one Environment lives in `main`, around everything that communicates: MPI is up
// while it exists and is released last. It is the only way to a world communicator.

#include "comm/mpi/communicator.hpp"
#include "kernels/base/error.hpp"
#include "kernels/base/flight_record.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace eightfold::comm::mpi {

class Environment {
 public:
  // Initialises MPI for calls from one thread at a time (MPI_THREAD_SERIALIZED), which the engine needs.
  // Stamps the log and the flight record with the rank; `recorder` outlives this. Throws EnvironmentError
  // when MPI grants less or is not supported. Also throws it when the launcher started several processes and
  // MPI sees one: an mpirun of one MPI started a program linked with another. Collective.
  explicit Environment(base::FlightRecorder& recorder);
  // Finalises MPI if close() has not; logs what fails.
  ~Environment();
  Environment(const Environment&) = delete;  // there is one MPI
  Environment& operator=(const Environment&) = delete;

  Communicator& world() noexcept { return *world_; }

  // Releases the world and finalises MPI. Collective: every rank must get here.
  void close();
  // Ends all ranks at once with this exit code: for an error that the other ranks do not know of.
  [[noreturn]] void abort(base::ExitCode code) noexcept;

 private:
  void check(int granted_thread_level) const;

  std::unique_ptr<Communicator> world_;
};

// The MPI library in use, one line: "Open MPI v4.1.4 ...". Needs no Environment.
std::string mpi_library_version();
// Throws EnvironmentError if that is not an Open MPI. Libraries differ in how they end ranks, pass signals on
// and handle GPU memory; only this one was tried.
void require_supported_mpi(std::string_view library_version);

}  // namespace eightfold::comm::mpi
