#pragma once

// A block of threads, interpreted. Each thread is a fiber; if one must wait, another goes on, in a random
// order for each block (schedule.hpp). A block's barrier opens when every thread that has not ended has
// reached it. A warp's operation starts when every such lane of its mask has. If no thread can go on, or
// threads wait for each other at different places of the source, the block has diverged. The error names the
// kernel, the block and the places.
//
// One block per system thread at a time; kernels reach theirs through current().

#include "tests/simt/fiber.hpp"
#include "tests/simt/schedule.hpp"

#include <vector_types.h>

#include <array>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <source_location>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace eightfold::simt {

// A kernel did something that ends in a fault or an undefined result on a GPU.
class KernelError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Launch {
  const void* kernel;                // its address, for its name
  std::function<void()> run_thread;  // the kernel with its arguments
  dim3 grid, block;
  std::size_t shared_bytes = 0;
};

// Shared memory of a block: what a kernel gets, and what it can ask for (cudaFuncSetAttribute).
inline constexpr std::size_t kDefaultSharedBytes = std::size_t{48} * 1024;
inline constexpr std::size_t kLargestSharedBytes = std::size_t{227} * 1024;

// The contribution of a thread to an operation of its warp.
struct WarpCall {
  const char* name = nullptr;
  unsigned mask = 0;
  std::source_location where;
  std::uint64_t value = 0;
  unsigned source = 0;              // shuffles: the lane that is read
  bool may_meet_elsewhere = false;  // __syncwarp opens for lanes at different places
};
using WarpCalls = std::array<WarpCall, kWarp>;
// The result of `lane`; `present` are the lanes that take part.
using WarpResult = std::uint64_t (*)(const WarpCalls& calls, unsigned present, unsigned lane);

class Block {
 public:
  // The block whose thread calls. Throws KernelError outside of kernels.
  static Block& current();

  // Runs all threads of one block to their end. Throws KernelError, or what a thread threw.
  void run(const Launch& launch, uint3 index, Random& random);

  // For threads. The number of threads that brought true.
  int barrier(const char* name, bool value, std::source_location where);
  std::uint64_t warp_operation(const WarpCall& call, WarpResult result);
  // The array of the block that belongs to `declaration`; its bytes are 0xFF (NaN) at the block's start.
  void* shared(const void* declaration, std::size_t bytes);
  void* dynamic_shared();
  unsigned lane() const noexcept { return running_ % kWarp; }

 private:
  enum class State { ready, at_barrier, at_warp_operation, ended };

  struct Thread {
    State state = State::ready;
    bool has_started = false;
    WarpCall call;  // also for barriers: name, place and value
    WarpResult result_of = nullptr;
    std::uint64_t result = 0;
  };

  // A heap block of exactly these bytes, so that AddressSanitizer sees the first one beyond.
  struct SharedArray {
    const void* declaration;
    std::size_t bytes;
    std::unique_ptr<void, void (*)(void*)> data;
  };

  static void enter(void* block);
  void run_ready();
  void switch_to(unsigned thread);
  void give_way();
  void make_ready(unsigned thread);
  void end_thread();
  void abandon();
  void open_barrier_if_complete();
  unsigned lanes_at(unsigned warp, unsigned mask) const;
  void open_warp_if_complete(unsigned warp, unsigned mask);
  [[noreturn]] void fail_diverged();
  std::string described() const;
  uint3 thread_index(unsigned thread) const;

  const Launch* launch_ = nullptr;
  uint3 index_{};
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Thread> threads_;
  Schedule schedule_;
  Random* random_ = nullptr;
  std::vector<SharedArray> shared_;
  unsigned running_ = 0;
  unsigned living_ = 0;
  unsigned at_barrier_ = 0;
  bool is_abandoned_ = false;
  std::exception_ptr error_;
};

// The whole grid, block after block in random order. For the thread of a stream.
void run_grid(const Launch& launch, Random& random);

}  // namespace eightfold::simt
