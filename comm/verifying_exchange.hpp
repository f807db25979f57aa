#pragma once

// An exchange that is watched: beside it every bucket is added up by MPI_Allreduce in fp32, and the two are
// compared. For trials: it costs more than the exchange itself, and every wait waits for the device.

#include "comm/engine/engine.hpp"
#include "comm/gradient_exchange.hpp"
#include "kernels/buffer.hpp"

#include <deque>
#include <vector>

namespace eightfold::comm {

class VerifyingExchange final : public GradientExchange {
 public:
  // `buckets` are those of `exchange`. It and the engine outlive this.
  VerifyingExchange(engine::Engine& engine, GradientExchange& exchange,
                    const std::vector<kernels::Tensor>& buckets);

  void submit(std::size_t bucket, std::int64_t step, kernels::StreamView producer) override;
  bool wait_for_next(kernels::StreamView consumer) override;
  std::size_t wire_bytes() const override { return exchange_.wire_bytes(); }
  std::uint64_t ticket_waits() const override { return exchange_.ticket_waits(); }

  // By bucket, since the last call: the squared error of the sums over the squares of the exact ones; 0 where
  // they are all zeros. The same on every rank.
  std::vector<double> take_nmse();

 private:
  struct Bucket {
    kernels::Tensor values;
    kernels::PinnedBuffer<float> exact;  // this rank's values, then their sum
    double squared_error = 0, squared_sum = 0;
  };
  void compare(Bucket& bucket);

  engine::Engine& engine_;
  GradientExchange& exchange_;
  std::vector<Bucket> buckets_;
  std::deque<std::size_t> submitted_;      // and not waited for
  kernels::PinnedBuffer<float> received_;  // of the largest bucket
};

}  // namespace eightfold::comm
