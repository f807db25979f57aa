#pragma once

// The ranks of a job and the small collectives that set it up and keep it in step. One thread calls at a
// time: before the engine starts and after it stops the main thread, in between the engine
// (comm/engine/engine.hpp). Members that say "Collective" must be called by every rank, in the same order.

#include "kernels/base/flight_record.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace eightfold::comm::mpi {

class Communicator {
 public:
  // All ranks of the job, apart from anybody else's messages. Its collectives are noted in `recorder`, which
  // outlives it. Collective.
  static Communicator duplicate_world(base::FlightRecorder& recorder);
  ~Communicator();
  Communicator(Communicator&&) noexcept;
  Communicator& operator=(Communicator&&) = delete;
  Communicator(const Communicator&) = delete;  // duplicating is collective and must be seen at the call

  // The ranks that give the same `color`, apart from anybody else's messages, in the order of their ranks
  // here. Its collectives are noted in the same recorder. Collective.
  Communicator split(int color) const;

  int rank() const noexcept;
  int size() const noexcept;
  // The number in the job of this communicator's rank `rank`.
  int rank_in_job(int rank) const { return ranks_in_job_.at(static_cast<std::size_t>(rank)); }
  // Among the ranks that share this one's memory (a node).
  int local_rank() const noexcept;
  int local_size() const noexcept;
  int node_count() const noexcept;
  const std::string& host() const noexcept;
  // This process's own.
  base::FlightRecorder& flight_recorder() const noexcept { return *recorder_; }

  // Lets MPI move on what was sent. Not collective, never waits.
  void progress();

  // Collective.
  void barrier();
  // Everybody gets root's bytes; the size is the same on all ranks. Collective.
  void broadcast(std::span<std::byte> bytes, int root);
  // Everybody gets root's text. Collective.
  void broadcast_text(std::string& text, int root);
  // Rank `to` gets the bytes of rank `from`, everybody else's stay; the size is the same on all ranks.
  // Collective.
  void transfer(std::span<std::byte> bytes, int from, int to);
  // Rank `to` gets the bytes of every rank, by rank, 1 GiB together at most; the others nothing. Each rank's
  // have a length of their own. Collective.
  std::vector<std::string> gather(std::string_view bytes, int to);
  // Each value becomes its sum over the ranks, the same bits on every rank. Any count. Collective.
  void sum(std::span<float> values);
  void sum(std::span<double> values);
  // The largest value of any rank. Collective.
  double max(double value);
  // One value of every rank, by rank. Collective.
  std::vector<std::uint64_t> all_gather(std::uint64_t value);
  // The same among the ranks of this node, by local rank. Collective over the node.
  std::vector<std::uint64_t> all_gather_on_node(std::uint64_t value);

  // For the rest of comm/ alone: complete in comm/mpi/communicator_handles.hpp.
  struct Handles;
  const Handles& handles() const noexcept { return *handles_; }

 private:
  Communicator(std::unique_ptr<Handles> handles, base::FlightRecorder& recorder);

  std::unique_ptr<Handles> handles_;
  base::FlightRecorder* recorder_;
  std::vector<int> ranks_in_job_;  // by rank
};

// Runs `action`; if it throws on any rank, all ranks throw AgreedError with the error of the lowest rank that
// failed. Afterwards the ranks are in step: they can clean up and leave without ending each other. The action
// itself must not contain a collective that only the ranks without a failure would reach. Collective.
void run_agreed(Communicator& communicator, const std::function<void()>& action);

}  // namespace eightfold::comm::mpi
