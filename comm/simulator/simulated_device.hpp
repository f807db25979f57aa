#pragma once

// A device that computes one thing and, before everything else, codecs: while one of those runs, what
// computes waits with the rest of its work.

#include <algorithm>
#include <functional>
#include <utility>

namespace eightfold::comm::simulator {

class SimulatedDevice {
 public:
  using Done = std::function<void()>;
  // Calls at a time that is not before now.
  using CallAt = std::function<void(double time_s, Done done)>;

  explicit SimulatedDevice(CallAt call_at) : call_at_(std::move(call_at)) {}

  // One at a time.
  void compute(double now_s, double time_s, Done done) {
    left_s_ = time_s;
    computed_ = std::move(done);
    if (codecs_ == 0) resume(now_s);
  }

  void run_codec(double now_s, double time_s, Done done) {
    if (codecs_++ == 0 && computed_) {
      left_s_ -= now_s - resumed_s_;
      ++generation_;  // the end that was set is not the end
    }
    codecs_end_s_ = std::max(codecs_end_s_, now_s) + time_s;
    call_at_(codecs_end_s_, [this, end_s = codecs_end_s_, done = std::move(done)] {
      if (--codecs_ == 0 && computed_) resume(end_s);
      done();
    });
  }

 private:
  void resume(double now_s) {
    resumed_s_ = now_s;
    call_at_(now_s + left_s_, [this, generation = ++generation_] {
      if (generation == generation_) std::exchange(computed_, nullptr)();
    });
  }

  CallAt call_at_;
  double left_s_ = 0, resumed_s_ = 0;
  Done computed_;
  unsigned generation_ = 0;
  int codecs_ = 0;
  double codecs_end_s_ = 0;
};

}  // namespace eightfold::comm::simulator
