#include "comm/baseline/mpi_baseline.hpp"

#include "comm/mpi/communicator_handles.hpp"

#include <algorithm>
#include <cstdlib>

namespace eightfold::comm::baseline {
namespace {

// MPI 3 counts are int; larger sums go in pieces of this many elements.
constexpr std::size_t kPieceElements = std::size_t{1} << 28;

constexpr const char* kAlgorithmVariable = "coll_tuned_allreduce_algorithm";
constexpr const char* kPermissionVariable = "coll_tuned_use_dynamic_rules";

// Opens MPI's tool interface, which loads all components of the library, until the process ends.
void open_tools() {
  [[maybe_unused]] static const bool is_open = [] {
    int granted = 0;
    EIGHTFOLD_MPI_CHECK(MPI_T_init_thread(MPI_THREAD_SINGLE, &granted));
    return true;
  }();
}

// Whether the library has such a control variable.
bool has_variable(const char* name) {
  int index = 0;
  return MPI_T_cvar_get_index(name, &index) == MPI_SUCCESS;
}

// An integer or truth value that steers the library.
class ControlVariable {
 public:
  explicit ControlVariable(const char* name) {
    int index = 0, count = 0;
    EIGHTFOLD_MPI_CHECK(MPI_T_cvar_get_index(name, &index));
    EIGHTFOLD_MPI_CHECK(MPI_T_cvar_handle_alloc(index, nullptr, &handle_, &count));
    base::require(count == 1, "MPI's variable {} has {} values", name, count);
  }
  ~ControlVariable() { MPI_T_cvar_handle_free(&handle_); }
  ControlVariable(const ControlVariable&) = delete;  // one owner
  ControlVariable& operator=(const ControlVariable&) = delete;

  int read() const {
    int value = 0;  // a truth value fills its lowest byte
    EIGHTFOLD_MPI_CHECK(MPI_T_cvar_read(handle_, &value));
    return value;
  }
  void write(int value) { EIGHTFOLD_MPI_CHECK(MPI_T_cvar_write(handle_, &value)); }

 private:
  MPI_T_cvar_handle handle_ = MPI_T_CVAR_HANDLE_NULL;
};

// Open MPI reads its choice of algorithm when a communicator is made, and keeps it.
MPI_Comm duplicated(MPI_Comm comm, int algorithm) {
  MPI_Comm copy = MPI_COMM_NULL;
  if (algorithm == 0) {
    EIGHTFOLD_MPI_CHECK(MPI_Comm_dup(comm, &copy));
    return copy;
  }
  open_tools();
  ControlVariable variable(kAlgorithmVariable);
  const int before = variable.read();
  variable.write(algorithm);
  const int result = MPI_Comm_dup(comm, &copy);
  variable.write(before);
  EIGHTFOLD_MPI_CHECK(result);
  return copy;
}

class MpiBaseline final : public Baseline {
 public:
  MpiBaseline(MPI_Comm comm, std::span<float> values) : comm_(comm), values_(values) {}

  void allreduce() override {
    for (std::span<float> left = values_; !left.empty();) {
      const std::span<float> piece = left.first(std::min(left.size(), kPieceElements));
      EIGHTFOLD_MPI_CHECK(MPI_Allreduce(MPI_IN_PLACE, piece.data(), static_cast<int>(piece.size()), MPI_FLOAT,
                                        MPI_SUM, comm_.get()));
      left = left.subspan(piece.size());
    }
  }

 private:
  mpi::OwnedComm comm_;
  std::span<float> values_;
};

}  // namespace

std::string mpi_unsupported_reason(int algorithm) {
  if (algorithm == 0) return {};
  open_tools();
  if (!has_variable(kAlgorithmVariable) || !has_variable(kPermissionVariable))
    return "only Open MPI numbers its algorithms, and this is another MPI";
  if (ControlVariable(kPermissionVariable).read() == 0)
    return fmt::format("Open MPI chooses by itself: set OMPI_MCA_{}=1 in the environment",
                       kPermissionVariable);
  return {};
}

std::unique_ptr<Baseline> make_mpi_baseline(int algorithm, mpi::Communicator& communicator,
                                            std::span<float> values) {
  return std::make_unique<MpiBaseline>(duplicated(communicator.handles().world.get(), algorithm), values);
}

void allow_mpi_algorithms() {
  constexpr int kKeepWhatIsThere = 0;
  ::setenv(fmt::format("OMPI_MCA_{}", kPermissionVariable).c_str(), "1", kKeepWhatIsThere);
}

}  // namespace eightfold::comm::baseline
