#include "tests/simt/block.hpp"

#include "tests/simt/builtin_variables.hpp"
#include "tests/simt/symbol.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <numeric>

namespace eightfold::simt {
namespace {

// Unwinds the stacks of threads that have nothing to wait for any more.
struct Abandoned {};

constexpr std::size_t kSharedAlignment = 128;

constinit thread_local Block* running_block = nullptr;

std::string to_string(uint3 index) {
  return fmt::format("({}, {}, {})", index.x, index.y, index.z);
}

bool same_place(const std::source_location& a, const std::source_location& b) {
  return a.line() == b.line() && std::strcmp(a.file_name(), b.file_name()) == 0;
}

std::string to_string(const WarpCall& call) {
  return fmt::format("{} at {}:{}", call.name, call.where.file_name(), call.where.line());
}

bool may_meet(const WarpCall& a, const WarpCall& b) {
  return a.name == b.name && (a.may_meet_elsewhere || same_place(a.where, b.where));
}

}  // namespace

Block& Block::current() {
  if (running_block == nullptr) throw KernelError("a function of device code was called outside of a kernel");
  return *running_block;
}

void Block::run(const Launch& launch, uint3 index, Random& random) {
  launch_ = &launch;
  index_ = index;
  blockIdx = index;
  living_ = launch.block.x * launch.block.y * launch.block.z;
  at_barrier_ = 0;
  is_abandoned_ = false;
  error_ = nullptr;
  threads_.assign(living_, Thread{});
  random_ = &random;
  schedule_.begin(static_cast<Order>(random.below(kOrders)), living_, random);
  for (unsigned thread = 0; thread < living_; ++thread) make_ready(thread);
  while (fibers_.size() < living_) fibers_.push_back(std::make_unique<Fiber>());

  running_block = this;
  try {
    run_ready();
    if (!error_ && living_ > 0) fail_diverged();
  } catch (const KernelError&) {
    error_ = std::current_exception();
  }
  if (error_) abandon();
  shared_.clear();
  running_block = nullptr;
  if (error_) std::rethrow_exception(error_);
}

void Block::run_ready() {
  while (!schedule_.is_empty() && !error_) switch_to(schedule_.take());
}

void Block::switch_to(unsigned thread) {
  running_ = thread;
  threadIdx = thread_index(thread);
  if (threads_[thread].has_started) {
    fibers_[thread]->resume();
  } else {
    threads_[thread].has_started = true;
    fibers_[thread]->start(&Block::enter, this);
  }
}

void Block::enter(void* argument) {
  Block& block = *static_cast<Block*>(argument);
  try {
    block.launch_->run_thread();
    block.end_thread();
  } catch (const Abandoned&) {
  } catch (...) {
    block.error_ = std::current_exception();
  }
  block.threads_[block.running_].state = State::ended;
}

// It counts as arrived wherever others wait for it.
void Block::end_thread() {
  threads_[running_].state = State::ended;
  --living_;
  open_barrier_if_complete();
  const unsigned warp = running_ / kWarp;
  const unsigned end = std::min<unsigned>((warp + 1) * kWarp, static_cast<unsigned>(threads_.size()));
  for (unsigned thread = warp * kWarp; thread < end; ++thread)
    if (threads_[thread].state == State::at_warp_operation)
      open_warp_if_complete(warp, threads_[thread].call.mask);
}

void Block::abandon() {
  is_abandoned_ = true;
  for (unsigned thread = 0; thread < threads_.size(); ++thread)
    if (threads_[thread].has_started && threads_[thread].state != State::ended) switch_to(thread);
}

// Returns when this thread is ready and its turn has come.
void Block::give_way() {
  fibers_[running_]->suspend();
  if (is_abandoned_) throw Abandoned{};
}

void Block::make_ready(unsigned thread) {
  threads_[thread].state = State::ready;
  schedule_.add(thread, *random_);
}

int Block::barrier(const char* name, bool value, std::source_location where) {
  Thread& self = threads_[running_];
  self.call = {.name = name, .where = where, .value = value ? 1U : 0U};
  self.state = State::at_barrier;
  ++at_barrier_;
  open_barrier_if_complete();
  give_way();
  return static_cast<int>(self.result);
}

void Block::open_barrier_if_complete() {
  if (at_barrier_ == 0 || at_barrier_ < living_) return;
  const WarpCall* first = nullptr;
  std::uint64_t count = 0;
  for (const Thread& thread : threads_) {
    if (thread.state != State::at_barrier) continue;
    if (first == nullptr) first = &thread.call;
    if (!same_place(thread.call.where, first->where)) fail_diverged();
    count += thread.call.value;
  }
  at_barrier_ = 0;
  for (unsigned thread = 0; thread < threads_.size(); ++thread) {
    if (threads_[thread].state != State::at_barrier) continue;
    threads_[thread].result = count;
    make_ready(thread);
  }
}

std::uint64_t Block::warp_operation(const WarpCall& call, WarpResult result) {
  if ((call.mask >> lane() & 1U) == 0)
    throw KernelError(fmt::format("{}: {} with mask {:#010x} by lane {}, which is not in it", described(),
                                  to_string(call), call.mask, lane()));
  Thread& self = threads_[running_];
  self.call = call;
  self.result_of = result;
  self.state = State::at_warp_operation;
  open_warp_if_complete(running_ / kWarp, call.mask);
  give_way();
  return self.result;
}

// The lanes of the mask that have not ended, once all of them wait for it; 0 before.
unsigned Block::lanes_at(unsigned warp, unsigned mask) const {
  unsigned present = 0;
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    const unsigned thread = warp * kWarp + lane;
    if ((mask >> lane & 1U) == 0 || thread >= threads_.size() || threads_[thread].state == State::ended)
      continue;
    if (threads_[thread].state != State::at_warp_operation || threads_[thread].call.mask != mask) return 0;
    present |= 1U << lane;
  }
  return present;
}

void Block::open_warp_if_complete(unsigned warp, unsigned mask) {
  const unsigned present = lanes_at(warp, mask);
  WarpCalls calls;
  for (unsigned rest = present; rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<unsigned>(std::countr_zero(rest));
    calls[lane] = threads_[warp * kWarp + lane].call;
    if (!may_meet(calls[lane], calls[static_cast<unsigned>(std::countr_zero(present))])) fail_diverged();
  }
  for (unsigned rest = present; rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<unsigned>(std::countr_zero(rest));
    const unsigned thread = warp * kWarp + lane;
    threads_[thread].result = threads_[thread].result_of(calls, present, lane);
    make_ready(thread);
  }
}

void* Block::shared(const void* declaration, std::size_t bytes) {
  std::size_t total = bytes;
  for (const SharedArray& array : shared_) {
    if (array.declaration == declaration) return array.data.get();
    total += array.bytes;
  }
  if (total > kLargestSharedBytes)
    throw KernelError(
        fmt::format("{}: {} bytes of shared memory, of at most {}", described(), total, kLargestSharedBytes));
  void* data = nullptr;
  if (::posix_memalign(&data, kSharedAlignment, bytes) != 0) throw std::bad_alloc();
  shared_.push_back({declaration, bytes, {data, &std::free}});
  std::memset(data, 0xFF, bytes);
  return data;
}

void* Block::dynamic_shared() {
  return shared(launch_, launch_->shared_bytes);
}

uint3 Block::thread_index(unsigned thread) const {
  const dim3& extent = launch_->block;
  return {thread % extent.x, thread / extent.x % extent.y, thread / (extent.x * extent.y)};
}

std::string Block::described() const {
  return fmt::format("kernel {}, block {}", function_name(launch_->kernel), to_string(index_));
}

void Block::fail_diverged() {
  struct Group {
    unsigned threads = 0;
    unsigned first = 0;
  };
  std::map<std::string, Group> groups;  // by place
  for (unsigned thread = 0; thread < threads_.size(); ++thread) {
    if (threads_[thread].state != State::at_barrier && threads_[thread].state != State::at_warp_operation)
      continue;
    Group& group = groups[to_string(threads_[thread].call)];
    if (group.threads++ == 0) group.first = thread;
  }
  std::string message = described() + ": threads wait for each other at different places:";
  for (const auto& [place, group] : groups)
    message +=
        fmt::format("\n  {} from {} on: {}", group.threads, to_string(thread_index(group.first)), place);
  if (living_ < threads_.size()) message += fmt::format("\n  {} have ended", threads_.size() - living_);
  throw KernelError(message);
}

void run_grid(const Launch& launch, Random& random) {
  thread_local Block block;
  gridDim = launch.grid;
  blockDim = launch.block;
  const std::uint64_t x = launch.grid.x, y = launch.grid.y, count = x * y * launch.grid.z;
  // i -> (i stride + first) mod count visits every block once if stride and count have no common factor.
  std::uint64_t stride = 1 + random.below(count);
  while (std::gcd(stride, count) != 1) stride = 1 + random.below(count);
  const std::uint64_t first = random.below(count);
  for (std::uint64_t i = 0, at = first; i < count; ++i, at = (at + stride) % count)
    block.run(launch,
              {static_cast<unsigned>(at % x), static_cast<unsigned>(at / x % y),
               static_cast<unsigned>(at / (x * y))},
              random);
}

}  // namespace eightfold::simt
