#pragma once

// The ranks of a job in one process, each with an Executor, over a LocalNetwork.

#include "comm/executor/executor.hpp"
#include "comm/schedules/generators.hpp"
#include "tests/comm/executor/local_network.hpp"

#include <string_view>

namespace eightfold::test {

struct LocalSettings {
  std::string_view algorithm = "two_shot";
  comm::schedules::Topology topology = comm::schedules::Topology::uniform(2, 1);
  std::int64_t elements = 0;
  quant8::Encoding encoding;
  quant8::Rounding rounding = quant8::Rounding::nearest;
  bool has_residual = false;
  std::int64_t segment = 256;  // elements
  std::size_t window = 2;
  int longest_delay = 0;
  unsigned seed = 1;
  bool shuffles_steps = false;  // within their rounds, where their order is but a hint
};

class LocalJob {
 public:
  explicit LocalJob(const LocalSettings& settings);

  int ranks() const { return static_cast<int>(ranks_.size()); }
  // Of the host.
  std::span<float> values(int rank) { return ranks_[static_cast<std::size_t>(rank)]->values; }
  std::span<float> residual(int rank) { return ranks_[static_cast<std::size_t>(rank)]->residual; }
  const comm::executor::Executor& executor(int rank) const {
    return *ranks_[static_cast<std::size_t>(rank)]->executor;
  }
  LocalNetwork& network() { return network_; }

  // One step on all ranks, which take turns at random. Throws InternalError if they come to a standstill.
  void run(std::int64_t step);
  bool replicas_are_equal() const;

 private:
  struct Rank {
    Rank(const LocalSettings& settings, LocalNetwork& network, int rank);

    std::vector<float> values, residual;
    std::unique_ptr<quant8::Codec> codec;
    std::unique_ptr<comm::transport::Transport> transport;
    kernels::Stream stream;
    comm::transport::Staging staging;
    std::unique_ptr<comm::executor::Executor> executor;
  };

  LocalNetwork network_;
  std::vector<std::unique_ptr<Rank>> ranks_;
  std::mt19937 turns_;
};

}  // namespace eightfold::test
