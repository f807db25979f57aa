#include "comm/exchange.hpp"

#include "quant8/format.hpp"

#include <utility>

namespace eightfold::comm {
namespace {

class MpiExchange final : public Exchange {
 public:
  MpiExchange(Engine& engine, std::vector<kernels::Tensor> buckets, base::Observer* observer)
      : engine_(engine), observer_(observer), buckets_(std::move(buckets)) {
    for (const kernels::Tensor& bucket : buckets_)
      base::require(bucket.device().kind == kernels::DeviceKind::host, "a bucket on {} reached MPI_Allreduce",
                    to_string(bucket.device()));
  }

  // Submitted buckets are read and written by the engine: they end before the arenas they lie in.
  ~MpiExchange() override {
    try {
      wait({kernels::Device{}, nullptr});
    } catch (...) {  // the engine has failed, and with it every task; whoever waited was told
    }
  }
  MpiExchange(const MpiExchange&) = delete;  // tasks refer to it
  MpiExchange& operator=(const MpiExchange&) = delete;

  void submit(std::size_t bucket, kernels::StreamView) override {
    if (engine_.ranks() == 1) return;  // the sum over one rank is in place already
    last_ = engine_.submit([this, bucket](Communicator& communicator) {
      const base::ScopedSpan span(observer_, base::Track::engine, "exchange",
                                  static_cast<std::int64_t>(bucket));
      communicator.sum(buckets_[bucket].span<float>());
    });
  }

  void wait(kernels::StreamView) override {
    if (last_ != 0) engine_.wait(last_);
  }

  // Rabenseifner's bound for an allreduce: 2 (N - 1) / N of the data.
  std::size_t wire_bytes() const override {
    std::int64_t elements = 0;
    for (const kernels::Tensor& bucket : buckets_) elements += bucket.elements();
    const auto ranks = static_cast<std::size_t>(engine_.ranks());
    return 2 * (ranks - 1) * quant8::code_bytes(quant8::Format::fp32, elements) / ranks;
  }

 private:
  Engine& engine_;
  base::Observer* observer_;
  std::vector<kernels::Tensor> buckets_;
  Engine::Ticket last_ = 0;
};

}  // namespace

std::unique_ptr<Exchange> make_mpi_exchange(Engine& engine, std::vector<kernels::Tensor> buckets,
                                            base::Observer* observer) {
  return std::make_unique<MpiExchange>(engine, std::move(buckets), observer);
}

}  // namespace eightfold::comm
