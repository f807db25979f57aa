#include "comm/gradient_exchange.hpp"

#include "kernels/base/error.hpp"

#include <deque>
#include <utility>

namespace eightfold::comm {
namespace {

class BucketExchange final : public GradientExchange {
 public:
  BucketExchange(std::unique_ptr<Exchange> exchange, std::vector<Request> requests)
      : exchange_(std::move(exchange)), requests_(std::move(requests)) {
    for (const Request& request : requests_) {
      exchange_->plan(request);
      wire_bytes_ += exchange_->wire_bytes(request);
    }
  }

  void submit(std::size_t bucket, std::int64_t step, kernels::StreamView producer) override {
    Request request = requests_[bucket];
    request.step = step;
    under_way_.push_back(exchange_->submit(request, producer));
  }

  bool wait_for_next(kernels::StreamView consumer) override {
    if (under_way_.empty()) return false;
    const Exchange::Ticket ticket = under_way_.front();
    under_way_.pop_front();
    exchange_->wait(ticket, consumer);
    return true;
  }

  std::size_t wire_bytes() const override { return wire_bytes_; }
  std::uint64_t ticket_waits() const override { return exchange_->ticket_waits(); }

 private:
  std::unique_ptr<Exchange> exchange_;
  std::vector<Request> requests_;  // by bucket
  std::deque<Exchange::Ticket> under_way_;
  std::size_t wire_bytes_ = 0;
};

kernels::Device device_of(const std::vector<ExchangeBucket>& buckets) {
  const kernels::Device device = buckets.empty() ? kernels::Device{} : buckets.front().values.device();
  for (const ExchangeBucket& bucket : buckets)
    base::require(bucket.values.device() == device, "buckets on {} and {}", to_string(device),
                  to_string(bucket.values.device()));
  return device;
}

}  // namespace

std::unique_ptr<GradientExchange> make_gradient_exchange(engine::Engine& engine,
                                                         std::vector<ExchangeBucket> buckets,
                                                         const ExchangeOptions& options,
                                                         base::Observer* observer) {
  const kernels::Device device = device_of(buckets);
  std::vector<Request> requests;
  for (std::size_t bucket = 0; bucket < buckets.size(); ++bucket) {
    const kernels::Tensor values = buckets[bucket].values;
    requests.push_back(
        {.input = values, .output = values, .residual = buckets[bucket].residual, .bucket = bucket});
  }
  return std::make_unique<BucketExchange>(make_exchange(engine, device, options, observer),
                                          std::move(requests));
}

}  // namespace eightfold::comm
