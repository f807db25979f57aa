#include "comm/mpi/communicator.hpp"

#include "comm/mpi/agreed_error.hpp"
#include "comm/mpi/communicator_handles.hpp"
#include "kernels/base/flight_record.hpp"
#include "kernels/base/log.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <utility>

namespace eightfold::comm::mpi {
namespace {

using base::CommunicatorCall;
using base::CommunicatorCallScope;

// MPI 3 counts are int; larger messages go in pieces of this many elements.
constexpr std::size_t kPieceElements = std::size_t{1} << 28;

MPI_Comm duplicated(MPI_Comm comm) {
  MPI_Comm copy = MPI_COMM_NULL;
  EIGHTFOLD_MPI_CHECK(MPI_Comm_dup(comm, &copy));
  return copy;
}

// With equal keys ranks keep the order of the world: local rank 0 is the lowest rank of the node.
MPI_Comm ranks_sharing_memory(MPI_Comm comm) {
  MPI_Comm node = MPI_COMM_NULL;
  EIGHTFOLD_MPI_CHECK(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
  return node;
}

std::vector<int> ranks_in_job(MPI_Comm comm, int size) {
  MPI_Group here = MPI_GROUP_NULL, job = MPI_GROUP_NULL;
  std::vector<int> ranks(static_cast<std::size_t>(size)), in_job(ranks.size());
  std::iota(ranks.begin(), ranks.end(), 0);
  EIGHTFOLD_MPI_CHECK(MPI_Comm_group(comm, &here));
  EIGHTFOLD_MPI_CHECK(MPI_Comm_group(MPI_COMM_WORLD, &job));
  EIGHTFOLD_MPI_CHECK(MPI_Group_translate_ranks(here, size, ranks.data(), job, in_job.data()));
  EIGHTFOLD_MPI_CHECK(MPI_Group_free(&here));
  EIGHTFOLD_MPI_CHECK(MPI_Group_free(&job));
  return in_job;
}

std::string processor_name() {
  std::array<char, MPI_MAX_PROCESSOR_NAME> text{};
  int length = 0;
  EIGHTFOLD_MPI_CHECK(MPI_Get_processor_name(text.data(), &length));
  return {text.data(), static_cast<std::size_t>(length)};
}

template <class Value>
void sum_in_pieces(MPI_Comm comm, MPI_Datatype type, std::span<Value> values) {
  while (!values.empty()) {
    const std::span<Value> piece = values.first(std::min(values.size(), kPieceElements));
    EIGHTFOLD_MPI_CHECK(
        MPI_Allreduce(MPI_IN_PLACE, piece.data(), static_cast<int>(piece.size()), type, MPI_SUM, comm));
    values = values.subspan(piece.size());
  }
}

std::vector<std::uint64_t> gathered(MPI_Comm comm, int size, std::uint64_t value) {
  std::vector<std::uint64_t> values(static_cast<std::size_t>(size));
  // NOLINTNEXTLINE(mpi-type-mismatch): clang-tidy does not know that uint64_t is unsigned long here
  EIGHTFOLD_MPI_CHECK(MPI_Allgather(&value, 1, MPI_UINT64_T, values.data(), 1, MPI_UINT64_T, comm));
  return values;
}

}  // namespace

OwnedComm::~OwnedComm() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (finalized != 0) {
    base::log_error("a communicator outlived MPI");
  } else if (MPI_Comm_free(&comm_) != MPI_SUCCESS) {
    base::log_error("a communicator could not be freed");
  }
}

Communicator::Handles::Handles(MPI_Comm comm)
    : world(comm), node(ranks_sharing_memory(comm)), host(processor_name()) {
  EIGHTFOLD_MPI_CHECK(MPI_Comm_rank(world.get(), &rank));
  EIGHTFOLD_MPI_CHECK(MPI_Comm_size(world.get(), &size));
  EIGHTFOLD_MPI_CHECK(MPI_Comm_rank(node.get(), &local_rank));
  EIGHTFOLD_MPI_CHECK(MPI_Comm_size(node.get(), &local_size));
  const int leads_node = local_rank == 0 ? 1 : 0;
  EIGHTFOLD_MPI_CHECK(MPI_Allreduce(&leads_node, &node_count, 1, MPI_INT, MPI_SUM, world.get()));
}

Communicator::Communicator(std::unique_ptr<Handles> handles, base::FlightRecorder& recorder)
    : handles_(std::move(handles)),
      recorder_(&recorder),
      ranks_in_job_(ranks_in_job(handles_->world.get(), handles_->size)) {}
Communicator::~Communicator() = default;
Communicator::Communicator(Communicator&&) noexcept = default;

Communicator Communicator::duplicate_world(base::FlightRecorder& recorder) {
  return {std::make_unique<Handles>(duplicated(MPI_COMM_WORLD)), recorder};
}

Communicator Communicator::split(int color) const {
  MPI_Comm part = MPI_COMM_NULL;
  EIGHTFOLD_MPI_CHECK(MPI_Comm_split(handles_->world.get(), color, handles_->rank, &part));
  return {std::make_unique<Handles>(part), *recorder_};
}

int Communicator::rank() const noexcept {
  return handles_->rank;
}
int Communicator::size() const noexcept {
  return handles_->size;
}
int Communicator::local_rank() const noexcept {
  return handles_->local_rank;
}
int Communicator::local_size() const noexcept {
  return handles_->local_size;
}
int Communicator::node_count() const noexcept {
  return handles_->node_count;
}
const std::string& Communicator::host() const noexcept {
  return handles_->host;
}

// Any call moves MPI's queues on. A probe takes no message away from the transports.
void Communicator::progress() {
  int is_there = 0;
  EIGHTFOLD_MPI_CHECK(
      MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, handles_->world.get(), &is_there, MPI_STATUS_IGNORE));
}

void Communicator::barrier() {
  const CommunicatorCallScope scope(*recorder_, CommunicatorCall::barrier);
  EIGHTFOLD_MPI_CHECK(MPI_Barrier(handles_->world.get()));
}

void Communicator::broadcast(std::span<std::byte> bytes, int root) {
  const CommunicatorCallScope scope(*recorder_, CommunicatorCall::broadcast);
  while (!bytes.empty()) {
    const std::span<std::byte> piece = bytes.first(std::min(bytes.size(), kPieceElements));
    EIGHTFOLD_MPI_CHECK(
        MPI_Bcast(piece.data(), static_cast<int>(piece.size()), MPI_BYTE, root, handles_->world.get()));
    bytes = bytes.subspan(piece.size());
  }
}

void Communicator::broadcast_text(std::string& text, int root) {
  std::uint64_t length = text.size();
  broadcast(std::as_writable_bytes(std::span(&length, 1)), root);
  text.resize(length);
  broadcast(std::as_writable_bytes(std::span(text)), root);
}

// A gathering to which one rank alone contributes: point-to-point messages belong to the exchange.
void Communicator::transfer(std::span<std::byte> bytes, int from, int to) {
  if (from == to) return;
  const CommunicatorCallScope scope(*recorder_, CommunicatorCall::transfer);
  std::vector<int> counts(static_cast<std::size_t>(size())), offsets(counts.size());
  while (!bytes.empty()) {
    const std::span<std::byte> piece = bytes.first(std::min(bytes.size(), kPieceElements));
    const int count = static_cast<int>(piece.size());
    counts[static_cast<std::size_t>(from)] = count;
    EIGHTFOLD_MPI_CHECK(MPI_Gatherv(piece.data(), rank() == from ? count : 0, MPI_BYTE, piece.data(),
                                    counts.data(), offsets.data(), MPI_BYTE, to, handles_->world.get()));
    bytes = bytes.subspan(piece.size());
  }
}

// Every rank knows all lengths. So all ranks refuse what is too large, and none waits for the others. The
// limit keeps offsets, which MPI takes as int, in range.
std::vector<std::string> Communicator::gather(std::string_view bytes, int to) {
  const std::vector<std::uint64_t> lengths = all_gather(bytes.size());
  std::uint64_t total = 0;
  for (const std::uint64_t length : lengths) total += length;
  if (total > kPieceElements * 4)
    base::raise<base::DataError>("{} ranks cannot gather {} bytes at once", size(), total);
  std::vector<int> counts, offsets;
  std::string all(rank() == to ? total : 0, '\0');
  int offset = 0;
  for (const std::uint64_t length : lengths) {
    counts.push_back(static_cast<int>(length));
    offsets.push_back(offset);
    offset += counts.back();
  }
  const CommunicatorCallScope scope(*recorder_, CommunicatorCall::gather);
  EIGHTFOLD_MPI_CHECK(MPI_Gatherv(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, all.data(),
                                  counts.data(), offsets.data(), MPI_BYTE, to, handles_->world.get()));
  std::vector<std::string> parts;
  if (rank() != to) return parts;
  for (std::size_t from = 0; from < counts.size(); ++from)
    parts.push_back(all.substr(static_cast<std::size_t>(offsets[from]), lengths[from]));
  return parts;
}

void Communicator::sum(std::span<float> values) {
  const CommunicatorCallScope scope(*recorder_, CommunicatorCall::sum);
  sum_in_pieces(handles_->world.get(), MPI_FLOAT, values);
}
void Communicator::sum(std::span<double> values) {
  const CommunicatorCallScope scope(*recorder_, CommunicatorCall::sum);
  sum_in_pieces(handles_->world.get(), MPI_DOUBLE, values);
}

std::vector<std::uint64_t> Communicator::all_gather(std::uint64_t value) {
  const CommunicatorCallScope scope(*recorder_, CommunicatorCall::all_gather);
  return gathered(handles_->world.get(), size(), value);
}

double Communicator::max(double value) {
  const CommunicatorCallScope scope(*recorder_, CommunicatorCall::max);
  EIGHTFOLD_MPI_CHECK(MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_DOUBLE, MPI_MAX, handles_->world.get()));
  return value;
}

std::vector<std::uint64_t> Communicator::all_gather_on_node(std::uint64_t value) {
  const CommunicatorCallScope scope(*recorder_, CommunicatorCall::node_all_gather);
  return gathered(handles_->node.get(), local_size(), value);
}

// All ranks come to the all_gather, whether their action failed or not. Codes are 0 where it did not, so
// every rank finds the same lowest rank that failed, and that one has the message to broadcast.
void run_agreed(Communicator& communicator, const std::function<void()>& action) {
  auto code = base::ExitCode::done;
  std::string message;
  try {
    action();
  } catch (const std::exception& error) {
    code = base::exit_code_of(error);
    message = base::describe(error);
  } catch (...) {
    code = base::ExitCode::internal;
    message = "a defect of eightfold: something was thrown that is no exception";
  }
  const std::vector<std::uint64_t> codes = communicator.all_gather(static_cast<std::uint64_t>(code));
  const auto failed = std::find_if(codes.begin(), codes.end(), [](std::uint64_t each) { return each != 0; });
  if (failed == codes.end()) return;
  const int rank = static_cast<int>(failed - codes.begin());
  communicator.broadcast_text(message, rank);
  throw AgreedError(static_cast<base::ExitCode>(*failed), message, rank);
}

}  // namespace eightfold::comm::mpi
