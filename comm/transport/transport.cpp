#include "comm/transport/transport.hpp"

#include "comm/mpi/communicator_handles.hpp"

#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace eightfold::comm::transport {
namespace {

class MpiTransport final : public Transport {
 public:
  // `own`: what comm belongs to, if it is this transport's alone.
  explicit MpiTransport(MPI_Comm comm, std::unique_ptr<mpi::OwnedComm> own = nullptr)
      : own_(std::move(own)), comm_(comm) {}

  void send(std::span<const std::byte> bytes, int peer, int tag, int& under_way) override {
    MPI_Request request = MPI_REQUEST_NULL;
    EIGHTFOLD_MPI_CHECK(MPI_Isend(bytes.data(), count(bytes), MPI_BYTE, peer, tag, comm_, &request));
    add(request, {&under_way, kNoLength, peer});
  }

  void receive(std::span<std::byte> bytes, int peer, int tag, int& under_way) override {
    MPI_Request request = MPI_REQUEST_NULL;
    EIGHTFOLD_MPI_CHECK(MPI_Irecv(bytes.data(), count(bytes), MPI_BYTE, peer, tag, comm_, &request));
    add(request, {&under_way, count(bytes), peer});
  }

  void poll() override {
    if (requests_.empty()) return;
    int complete = 0;
    finished_.resize(requests_.size());
    statuses_.resize(requests_.size());
    EIGHTFOLD_MPI_CHECK(MPI_Testsome(static_cast<int>(requests_.size()), requests_.data(), &complete,
                                     finished_.data(), statuses_.data()));
    if (complete == 0) return;
    // Only null requests are left of messages that an error of MPI has ended.
    if (complete == MPI_UNDEFINED) complete = 0;
    std::string problem;
    for (std::size_t i = 0; i < static_cast<std::size_t>(complete); ++i) {
      std::string found = finish(messages_[static_cast<std::size_t>(finished_[i])], statuses_[i]);
      if (problem.empty()) problem = std::move(found);
    }
    forget_finished();
    // Only now: MPI does not tell a second time that the others are complete.
    if (!problem.empty()) throw base::DataError(problem);
  }

 private:
  static constexpr int kNoLength = -1;
  struct Message {
    int* under_way;
    int length;  // of a message to be received
    int peer;
  };

  static int count(std::span<const std::byte> bytes) {
    base::require(bytes.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()),
                  "a message of {} bytes", bytes.size());
    return static_cast<int>(bytes.size());
  }

  void add(MPI_Request request, const Message& message) {
    ++*message.under_way;
    requests_.push_back(request);
    messages_.push_back(message);
  }

  // Counts the message out. Returns what is wrong with it; empty if nothing is.
  static std::string finish(const Message& message, const MPI_Status& status) {
    --*message.under_way;
    // The status of a send has no count.
    if (message.length == kNoLength) return {};
    int received = 0;
    EIGHTFOLD_MPI_CHECK(MPI_Get_count(&status, MPI_BYTE, &received));
    if (received == message.length) return {};
    return fmt::format(
        "a message of {} bytes arrived from rank {} where {} were expected; do all ranks run the same job "
        "with the same eightfold?",
        received, message.peer, message.length);
  }

  // MPI_Testsome has set the requests of complete messages to null (MPI 3.1, section 3.7.5).
  void forget_finished() {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < requests_.size(); ++i) {
      if (requests_[i] == MPI_REQUEST_NULL) continue;
      requests_[kept] = requests_[i];
      messages_[kept++] = messages_[i];
    }
    requests_.resize(kept);
    messages_.resize(kept);
  }

  std::unique_ptr<mpi::OwnedComm> own_;
  MPI_Comm comm_;
  std::vector<MPI_Request> requests_;
  std::vector<Message> messages_;  // one per request
  std::vector<int> finished_;
  std::vector<MPI_Status> statuses_;
};

}  // namespace

std::string_view to_string(TransportKind kind) {
  return kind == TransportKind::staged ? "staged" : "direct";
}

std::unique_ptr<Transport> make_mpi_transport(mpi::Communicator& communicator) {
  return std::make_unique<MpiTransport>(communicator.handles().world.get());
}

std::unique_ptr<Transport> make_separate_mpi_transport(mpi::Communicator& communicator) {
  MPI_Comm comm = MPI_COMM_NULL;
  EIGHTFOLD_MPI_CHECK(MPI_Comm_dup(communicator.handles().world.get(), &comm));
  auto own = std::make_unique<mpi::OwnedComm>(comm);
  return std::make_unique<MpiTransport>(comm, std::move(own));
}

}  // namespace eightfold::comm::transport
