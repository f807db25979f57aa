#pragma once

// `eightfold bench`: a bench is one Descriptor, in a file with the code that measures, and its name in the
// list below. bench.cpp makes the commands from the list. It also does the common work of all benches:
// --json, agreed errors, the environment, the result lines, and the exit code if elements are wrong.

#include "launch/command/command.hpp"
#include "launch/command/job.hpp"
#include "launch/command/result.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace eightfold::launch::bench {

struct Figures {
  std::vector<command::ResultRow> rows;  // complete on rank 0
  std::uint64_t wrong = 0;  // elements of all ranks that differ from the reference; the same on every rank
};

// One call of a bench. Members are called in this order: the first while the command line is read, the second
// before MPI starts, the others on every rank, before there is an engine.
class Bench {
 public:
  virtual ~Bench() = default;

  // Adds all options but --json. The Bench outlives the command.
  virtual void add_options(const command::Command& command) = 0;
  // What is known of the device that place() chooses.
  virtual runtime::config::DeviceChoice known_device() const = 0;
  // Checks options and plans all that needs no device. Not collective, and may throw ConfigError on some
  // ranks: the caller agrees on errors.
  virtual void plan(const comm::mpi::Communicator& world) = 0;
  // Chooses device and threads; the facts become the "environment". Collective; errors are agreed.
  virtual command::Placement place(comm::mpi::Communicator& world) = 0;
  // Prints its tables on rank 0 as it goes. Collective; errors are agreed.
  virtual Figures measure(comm::mpi::Communicator& world, const command::Placement& placement) = 0;
};

struct Descriptor {
  const char* name;
  const char* help;
  const char* footer;
  std::unique_ptr<Bench> (*make)();
  void (*before_mpi)() = [] {};  // sets what MPI reads when it starts
};

template <class Some>
std::unique_ptr<Bench> make_bench() {
  return std::make_unique<Some>();
}

// The list of all benches.
extern const Descriptor kCodecBench, kCollectiveBench, kLinkBench, kStepBench;
inline constexpr const Descriptor* kBenches[] = {&kCodecBench, &kCollectiveBench, &kLinkBench, &kStepBench};

// Adds `eightfold bench` with a command for each bench.
void add_bench(const command::Command& program, command::Action& chosen);

}  // namespace eightfold::launch::bench
