// A network or a memory that damages a message: preloaded into a job (LD_PRELOAD), it flips one bit of one
// message that one rank sends. The program knows nothing of it.
//
//   EIGHTFOLD_FLIP_RANK     the rank whose message is damaged
//   EIGHTFOLD_FLIP_MESSAGE  which of those it sends by MPI_Isend and that are long enough, from 0
//   EIGHTFOLD_FLIP_BIT      which bit of it; a message is long enough if it has that bit
#include <dlfcn.h>
#include <mpi.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

long number(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? -1 : std::strtol(text, nullptr, 10);
}

bool is_this_rank() {
  const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
  return rank != nullptr && std::string_view(rank) == std::to_string(number("EIGHTFOLD_FLIP_RANK"));
}

}  // namespace

extern "C" int MPI_Isend(const void* bytes, int count, MPI_Datatype type, int peer, int tag, MPI_Comm comm,
                         MPI_Request* request) {
  using Send = int (*)(const void*, int, MPI_Datatype, int, int, MPI_Comm, MPI_Request*);
  static const auto send = reinterpret_cast<Send>(dlsym(RTLD_NEXT, "MPI_Isend"));
  static const bool is_chosen = is_this_rank();
  static const long chosen = number("EIGHTFOLD_FLIP_MESSAGE"), bit = number("EIGHTFOLD_FLIP_BIT");
  static std::atomic<long> messages = 0;
  static std::vector<unsigned char> damaged;  // until the program ends: MPI reads it when it likes
  if (is_chosen && type == MPI_BYTE && count > bit / 8 && messages++ == chosen) {
    damaged.assign(static_cast<const unsigned char*>(bytes),
                   static_cast<const unsigned char*>(bytes) + count);
    damaged[static_cast<std::size_t>(bit / 8)] ^= static_cast<unsigned char>(1U << bit % 8);
    bytes = damaged.data();
  }
  return send(bytes, count, type, peer, tag, comm, request);
}
