#pragma once

// The symbolic run: every rank goes from round to round, each as soon as the messages of the last one have
// met their other ends. An executor overlaps rounds and waits less, so a run that ends here ends there too.

#include "comm/prover/messages.hpp"
#include "comm/prover/values.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace eightfold::comm::prover {

class Execution {
 public:
  // `steps` are joined messages; `holds(rank, shard)` says who has what at the beginning.
  template <class Holds>
  Execution(std::span<const PlacedStep> steps, int ranks, int shards, Values& values, Holds&& holds)
      : steps_(steps), ranks_(ranks), shards_(shards), values_(values) {
    for (int rank = 0; rank < ranks; ++rank)
      for (int shard = 0; shard < shards; ++shard)
        states_.push_back({holds(rank, shard) ? values.contribution(rank) : Values::kNothing});
    prepare();
  }

  // Throws InternalError when a step breaks a rule, and when ranks wait for each other for ever.
  void run();
  // The value of a shard on a rank; kNothing if it has none.
  Values::Id value(int rank, int shard) const { return states_[state_index(rank, shard)].value; }

 private:
  struct State {
    Values::Id value = Values::kNothing;
    bool sealed = false;
  };
  struct Progress {
    std::size_t begin = 0, end = 0;  // the steps of the current round
    int open = 0;                    // of them, messages that have not met their other end
  };

  void prepare();
  void begin_round(int rank);
  void end_round(int rank);
  void post(std::size_t place);
  void seal(const PlacedStep& placed);
  Values::Id payload_of(const PlacedStep& send);
  void receive_final(const PlacedStep& placed);
  void add(std::span<const std::size_t> receives);
  [[noreturn]] void raise_deadlock() const;

  std::size_t state_index(int rank, int shard) const {
    return static_cast<std::size_t>(rank) * static_cast<std::size_t>(shards_) +
           static_cast<std::size_t>(shard);
  }
  State& state(const PlacedStep& placed) { return states_[state_index(placed.rank, placed.step.shard)]; }
  bool is_over(int rank) const;

  std::span<const PlacedStep> steps_;
  int ranks_;
  int shards_;
  Values& values_;
  std::vector<State> states_;
  std::vector<Progress> progress_;   // by rank
  std::vector<char> posted_;         // by step: its rank has come to it
  std::vector<Values::Id> payload_;  // by step, of sends
  std::vector<int> ready_;           // ranks whose round is over
};

}  // namespace eightfold::comm::prover
