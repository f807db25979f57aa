#include "comm/mpi/environment.hpp"

#include "tests/support/test.hpp"

using namespace eightfold;

TEST_CASE("the MPI of this build is supported, and says which it is on one line") {
  const std::string version = comm::mpi::mpi_library_version();
  CHECK_NOTHROW(comm::mpi::require_supported_mpi(version));
  CHECK(version.find('\n') == std::string::npos);
}

TEST_CASE("another MPI library is refused, with its name") {
  const std::string tail = "\": only Open MPI is supported; see `mpirun --version` and ldd";
  for (const std::string other : {"MPICH Version:\t4.0.2", "Intel(R) MPI Library 2021.11 for Linux* OS", "",
                                  "MVAPICH, not Open MPI "}) {
    CAPTURE(other);
    CHECK_THROWS_AS(comm::mpi::require_supported_mpi(other), base::EnvironmentError);
    CHECK_THROWS_WITH(comm::mpi::require_supported_mpi(other), "the MPI library is \"" + other + tail);
  }
}
