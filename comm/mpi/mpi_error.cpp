#include "comm/mpi/mpi_error.hpp"

#include <array>
#include <string>

namespace eightfold::comm::mpi {

void throw_mpi_error(const char* call, int code, std::source_location where) {
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  const bool described = MPI_Error_string(code, text.data(), &length) == MPI_SUCCESS;
  const std::string reason =
      described ? std::string(text.data(), static_cast<std::size_t>(length)) : "unknown error";
  throw MpiError(call, code, fmt::format("{} ({}:{})", reason, where.file_name(), where.line()), where);
}

}  // namespace eightfold::comm::mpi
