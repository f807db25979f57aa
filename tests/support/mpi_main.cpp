// The main of test programs that run on several ranks under mpirun. All ranks run the same cases; the program
// fails everywhere if it fails anywhere. Rank 0 prints, another rank only what it has to complain about. A
// case that takes longer than a minute, or three with sanitizers, is taken for a hang: the job ends with its
// name.
#include "comm/mpi/environment.hpp"
#include "kernels/device.hpp"
#include "tests/support/ranks.hpp"
#include "tests/support/running_case.hpp"
#include "tests/support/test.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

namespace eightfold::test {
namespace {

constexpr auto kCaseLimit = std::chrono::seconds(60 * EIGHTFOLD_TEST_PATIENCE);
constexpr auto kGlance = std::chrono::milliseconds(200);

eightfold::comm::mpi::Environment* environment = nullptr;

class Watchdog {
 public:
  Watchdog() : thread_([this] { watch(); }) {}
  ~Watchdog() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    stop_.notify_one();
    thread_.join();
  }
  Watchdog(const Watchdog&) = delete;  // owns a thread
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  void watch() {
    std::unique_lock lock(mutex_);
    while (!stop_.wait_for(lock, kGlance, [&] { return stopping_; })) {
      const RunningCase running = running_case();
      if (running.name.empty() || std::chrono::steady_clock::now() - running.since < kCaseLimit) continue;
      std::fprintf(stderr, "rank %d has been in \"%s\" for %lld s: ending the job\n", world().rank(),
                   running.name.c_str(), static_cast<long long>(kCaseLimit.count()));
      environment->abort(base::ExitCode::watchdog);
    }
  }

  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::thread thread_;
};

// Holds back what this process prints, until it is known whether anybody should read it.
class HeldOutput {
 public:
  HeldOutput() : kept_(::memfd_create("output", 0)), console_(::dup(STDOUT_FILENO)) {
    std::fflush(stdout);
    ::dup2(kept_, STDOUT_FILENO);
  }
  ~HeldOutput() {
    restore();
    ::close(kept_);
    ::close(console_);
  }
  HeldOutput(const HeldOutput&) = delete;  // owns descriptors
  HeldOutput& operator=(const HeldOutput&) = delete;

  void show() {
    restore();
    std::printf("---- rank %d ----\n", world().rank());
    std::fflush(stdout);
    ::lseek(kept_, 0, SEEK_SET);
    std::array<char, 4096> piece;
    for (ssize_t got = 0; (got = ::read(kept_, piece.data(), piece.size())) > 0;)
      std::fwrite(piece.data(), 1, static_cast<std::size_t>(got), stdout);
    std::fflush(stdout);
  }

 private:
  void restore() {
    std::fflush(stdout);
    ::dup2(console_, STDOUT_FILENO);
  }

  int kept_, console_;
};

// This rank's own outcome.
int run_cases(int argc, char** argv) {
  const Watchdog watchdog;
  if (world().rank() == 0) return run_test_session(argc, argv);
  HeldOutput output;
  const int outcome = run_test_session(argc, argv);
  if (outcome != 0) output.show();
  return outcome;
}

}  // namespace

comm::mpi::Communicator& world() {
  return environment->world();
}

std::vector<int> ranks_without(bool condition) {
  const std::vector<std::uint64_t> held = world().all_gather(condition ? 1 : 0);
  std::vector<int> ranks;
  for (std::size_t rank = 0; rank < held.size(); ++rank)
    if (held[rank] == 0) ranks.push_back(static_cast<int>(rank));
  return ranks;
}

}  // namespace eightfold::test

int main(int argc, char** argv) {
  eightfold::base::FlightRecorder recorder;
  eightfold::comm::mpi::Environment environment(recorder);
#ifdef EIGHTFOLD_TEST_NEEDS_GPU
#ifdef EIGHTFOLD_SIMT
  constexpr int kWithoutGpu = 1;  // the interpreted one is not in this program
#else
  constexpr int kWithoutGpu = 77;  // skipped
#endif
  if (eightfold::kernels::device_count(eightfold::kernels::DeviceKind::cuda) == 0) {
    environment.close();
    return kWithoutGpu;
  }
#endif
  eightfold::test::environment = &environment;
  const int mine = eightfold::test::run_cases(argc, argv);
  const bool passed = eightfold::test::ranks_without(mine == 0).empty();
  environment.close();
  return passed ? 0 : 1;
}
