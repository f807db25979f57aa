#include "comm/verifying_exchange.hpp"

#include <algorithm>
#include <utility>

namespace eightfold::comm {

VerifyingExchange::VerifyingExchange(engine::Engine& engine, GradientExchange& exchange,
                                     const std::vector<kernels::Tensor>& buckets)
    : engine_(engine), exchange_(exchange) {
  std::size_t largest = 0;
  kernels::Device device;
  for (const kernels::Tensor& values : buckets) {
    const auto elements = static_cast<std::size_t>(values.elements());
    device = values.device();
    largest = std::max(largest, elements);
    buckets_.push_back({.values = values, .exact = {device, elements}});
  }
  received_ = {device, largest};
}

void VerifyingExchange::submit(std::size_t bucket, std::int64_t step, kernels::StreamView producer) {
  Bucket& copied = buckets_[bucket];
  kernels::copy(producer, copied.values, copied.exact.tensor(copied.values.shape()));
  submitted_.push_back(bucket);
  exchange_.submit(bucket, step, producer);
}

bool VerifyingExchange::wait_for_next(kernels::StreamView consumer) {
  exchange_.wait_for_next(consumer);  // of one rank alone the sum is there, and nothing to wait for
  if (submitted_.empty()) return false;
  Bucket& bucket = buckets_[submitted_.front()];
  submitted_.pop_front();
  kernels::copy(consumer, bucket.values, received_.tensor(bucket.values.shape()));
  consumer.synchronize();
  engine_.run([&](mpi::Communicator& communicator) { communicator.sum(bucket.exact.span()); });
  compare(bucket);
  return true;
}

void VerifyingExchange::compare(Bucket& bucket) {
  for (std::size_t i = 0; i < bucket.exact.size(); ++i) {
    const double exact = bucket.exact.data()[i];
    const double error = received_.data()[i] - exact;
    bucket.squared_error += error * error;
    bucket.squared_sum += exact * exact;
  }
}

std::vector<double> VerifyingExchange::take_nmse() {
  std::vector<double> nmse;
  for (Bucket& bucket : buckets_) {
    const double squared_error = std::exchange(bucket.squared_error, 0);
    const double squared_sum = std::exchange(bucket.squared_sum, 0);
    nmse.push_back(squared_error == 0 ? 0 : squared_error / squared_sum);
  }
  return nmse;
}

}  // namespace eightfold::comm
