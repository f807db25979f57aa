#pragma once

// One rank of the modelled cluster: a worker that computes and completes buckets, and an engine that moves
// them. It repeats by hand the policy of comm/engine/engine.cpp (what starts when, how much at once) and of
// comm/executor/executor.cpp (which segment goes first). A change there changes it here.

#include "comm/simulator/cluster.hpp"
#include "comm/simulator/progress.hpp"
#include "comm/simulator/replay_plan.hpp"
#include "comm/simulator/simulator.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <queue>
#include <span>
#include <vector>

namespace eightfold::comm::simulator {

// A piece of a task: the same segments of all its shards.
struct Piece {
  int bucket;
  int task;
  int piece;
};

// Work that one processor does in order of urgency: what is nearest to its end first, as the executor has it.
class WorkQueue {
 public:
  WorkQueue(Cluster& cluster, int rank, Processor processor)
      : cluster_(cluster), rank_(rank), processor_(processor) {}

  void add(int round, int bucket, double time_s, Cluster::Done done);

 private:
  struct Item {
    int round;
    int bucket;
    std::uint64_t number;
    double time_s;
    Cluster::Done done;

    bool operator<(const Item& other) const;  // is less urgent
  };
  void next();

  Cluster& cluster_;
  int rank_;
  Processor processor_;
  std::priority_queue<Item> items_;
  std::uint64_t added_ = 0;
  bool is_busy_ = false;
};

// Shared by all ranks of a simulation.
struct SimulatedWorld {
  Cluster& cluster;
  const Fabric& fabric;
  const schedules::Topology& topology;
  const SimulatedStep& step;
  std::size_t peers_at_once;  // that a rank sends to, each way
  std::span<const BucketPlan* const> buckets;
  SimulationProgress& progress;
};

class SimulatedRank {
 public:
  // `all` are the ranks of the simulation, this one among them; they outlive what is under way.
  SimulatedRank(const SimulatedWorld& world, int rank, std::vector<SimulatedRank>& all);

  void start();

  double ended_s() const { return ended_s_; }
  double exposed_s() const { return exposed_s_; }
  double codec_s() const { return codec_s_; }
  std::size_t bytes_sent() const { return bytes_sent_; }
  std::size_t flows() const { return flows_; }

 private:
  // To neighbours and to other nodes: messages of one kind do not wait for those of the other.
  enum Way : std::size_t { kNeighbour, kNetwork, kWays };
  struct Outbox {
    std::deque<Piece> messages;
    std::vector<int> peers;  // of messages that are on their way
  };
  struct Bucket {
    int left = 0;                // pieces of tasks
    std::vector<int> waits_for;  // by task and piece
  };

  // The worker.
  void compute(std::size_t piece_of_work);
  void submit_complete(std::int64_t complete);
  void wait_for(std::size_t bucket);

  // The engine.
  void begin_ready();
  void open(int bucket);
  void release(const Piece& piece);
  void execute(const Piece& piece);
  void encode_or_decode(const Piece& piece);
  void post(const Piece& piece);
  void send_next(Way way);
  void send(const Piece& piece, Way way);
  void receive(const Piece& piece);
  void finish(const Piece& piece);
  void end_piece(int bucket);

  const ReplayPlan& plan(int bucket) const;
  const ReplayTask& task(const Piece& piece) const;
  double messages(const Piece& piece) const;
  int pieces(int bucket) const;
  double bytes(const Piece& piece) const;  // this piece of its task's
  Way way_to(int peer) const;
  WorkQueue& codec_queue() { return world_.step.has_device ? codec_ : engine_; }

  const SimulatedWorld& world_;
  int rank_;
  std::vector<SimulatedRank>& all_;
  WorkQueue engine_, codec_;
  std::vector<Bucket> buckets_;
  std::size_t submitted_ = 0, begun_ = 0, under_way_ = 0;
  std::vector<bool> is_over_;
  std::size_t awaited_ = 0;  // by the worker
  bool is_waiting_ = false;
  double waits_since_s_ = 0;
  std::array<Outbox, kWays> outboxes_;
  double ended_s_ = 0, exposed_s_ = 0, codec_s_ = 0;
  std::size_t bytes_sent_ = 0, flows_ = 0;
};

}  // namespace eightfold::comm::simulator
