#pragma once

// The gradient exchange as the worker sees it. Buckets go in as the backward pass completes them, and come
// back as sums over the ranks. A bucket is a span of the gradient arena, summed in place; nothing is copied
// to form it.
//
// Protocol of a step, the same on every rank: submit every bucket once, always in the same order; wait for
// each, in that order too. Between a bucket's submit and its wait nobody else touches it.

#include "comm/exchange.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace eightfold::comm {

class GradientExchange {
 public:
  virtual ~GradientExchange() = default;

  // Work enqueued on `producer` so far completes bucket `bucket` of this step. As Exchange::submit().
  virtual void submit(std::size_t bucket, std::int64_t step, kernels::StreamView producer) = 0;
  // Work enqueued on `consumer` from now on sees the sum of the next bucket, in the order of submission.
  // Every rank sees the same bits. As Exchange::wait(). False if there is none to wait for.
  virtual bool wait_for_next(kernels::StreamView consumer) = 0;
  // The same for all that are left.
  void wait(kernels::StreamView consumer) {
    while (wait_for_next(consumer)) continue;
  }

  // Encoded bytes that this rank sends per step, by the algorithm's formula.
  virtual std::size_t wire_bytes() const = 0;
  // How often wait_for_next() has blocked the calling thread so far.
  virtual std::uint64_t ticket_waits() const { return 0; }
};

struct ExchangeBucket {
  kernels::Tensor values;    // fp32
  kernels::Tensor residual;  // error feedback's, as many; absent: none
};

// Over an exchange of its own. The buckets are all on one device; they are planned here, so that a step
// allocates nothing. Otherwise as make_exchange().
std::unique_ptr<GradientExchange> make_gradient_exchange(engine::Engine& engine,
                                                         std::vector<ExchangeBucket> buckets,
                                                         const ExchangeOptions& options,
                                                         base::Observer* observer);

}  // namespace eightfold::comm
