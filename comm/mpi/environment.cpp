#include "comm/mpi/environment.hpp"

#include "comm/mpi/mpi_error.hpp"
#include "kernels/base/log.hpp"
#include "kernels/base/parse.hpp"

#include <array>
#include <cstdlib>

namespace eightfold::comm::mpi {
namespace {

// Launchers say how many processes they started; an MPI that sees only one of several was started by a
// stranger.
void check_launcher(int size) {
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}) {
    const char* text = std::getenv(variable);
    if (text == nullptr || size != 1) continue;
    if (const auto started = base::parse_integer(text); started && *started > 1)
      base::raise<base::EnvironmentError>(
          "the launcher started {} processes ({}), but MPI sees only this one: start it with the mpirun of "
          "{}",
          *started, variable, mpi_library_version());
  }
}

}  // namespace

Environment::Environment(base::FlightRecorder& recorder) {
  int granted = MPI_THREAD_SINGLE;
  EIGHTFOLD_MPI_CHECK(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &granted));
  // By default MPI ends the job at the first error (MPI 3.1, section 8.3), without this program's exit code.
  EIGHTFOLD_MPI_CHECK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
  world_ = std::make_unique<Communicator>(Communicator::duplicate_world(recorder));
  base::set_log_identity(world_->rank(), world_->size(), world_->host());
  recorder.identify(world_->rank(), world_->size(), world_->host());
  try {
    check(granted);
  } catch (...) {
    close();  // no destructor runs for what was not constructed
    throw;
  }
}

void Environment::check(int granted) const {
  require_supported_mpi(mpi_library_version());
  check_launcher(world_->size());
  if (granted < MPI_THREAD_SERIALIZED)
    base::raise<base::EnvironmentError>("MPI grants thread level {}, MPI_THREAD_SERIALIZED ({}) is needed",
                                        granted, int{MPI_THREAD_SERIALIZED});
}

Environment::~Environment() {
  try {
    close();
  } catch (const std::exception& failure) {
    base::log_error("releasing MPI: {}", failure.what());
  }
}

void Environment::close() {
  if (world_ == nullptr) return;
  // First, because no communicator can be freed after MPI_Finalize.
  world_.reset();
  EIGHTFOLD_MPI_CHECK(MPI_Finalize());
}

void Environment::abort(base::ExitCode code) noexcept {
  MPI_Abort(MPI_COMM_WORLD, static_cast<int>(code));
  // For an MPI_Abort that fails and returns. No destructor runs: other threads may be within MPI.
  std::_Exit(static_cast<int>(code));
}

std::string mpi_library_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  EIGHTFOLD_MPI_CHECK(MPI_Get_library_version(text.data(), &length));
  const std::string version(text.data(), static_cast<std::size_t>(length));
  // What follows names the machine that the library was built on.
  return version.substr(0, version.find(", package"));
}

void require_supported_mpi(std::string_view library_version) {
  if (!library_version.starts_with("Open MPI "))
    base::raise<base::EnvironmentError>(
        "the MPI library is \"{}\": only Open MPI is supported; see `mpirun --version` and ldd",
        library_version);
}

}  // namespace eightfold::comm::mpi
