#include "comm/exchange.hpp"

#include "kernels/buffer.hpp"
#include "quant8/format.hpp"

#include <utility>

namespace eightfold::comm {
namespace {

using kernels::Tensor;

// Steps whose buckets may be under way at once: a device is behind its worker by as many passes as the loader
// has slots (runtime/data/loader.hpp), and by one step of exchange.
constexpr std::size_t kStepsUnderWay = 4;

// The three places a bucket passes, each in the order of submission: the stream `outbound` copies it to
// pinned memory, the engine sums it there, the stream `inbound` copies it back. A gate keeps `inbound` from
// overtaking the engine, so that the worker can enqueue the way back before the sum exists. Buckets on the
// host stay where they are; for them the gate makes the worker wait.
class MpiExchange final : public Exchange {
 public:
  MpiExchange(Engine& engine, std::vector<Tensor> buckets, base::Observer* observer)
      : engine_(engine),
        observer_(observer),
        buckets_(std::move(buckets)),
        device_(buckets_.empty() ? kernels::Device{} : buckets_.front().device()),
        outbound_(device_),
        inbound_(device_),
        returned_(device_) {
    for (const Tensor& bucket : buckets_) {
      base::require(bucket.device() == device_, "buckets on {} and {}", to_string(device_),
                    to_string(bucket.device()));
      if (is_staged())
        pinned_.emplace_back(device_, engine_.ranks() > 1 ? static_cast<std::size_t>(bucket.elements()) : 0);
    }
    for (std::size_t i = 0; i < kStepsUnderWay * buckets_.size(); ++i) flights_.emplace_back(device_);
  }

  // What was submitted is read and written by engine and streams: it ends before the arenas it lies in.
  ~MpiExchange() override {
    try {
      return_sums();
      inbound_.view().synchronize();
    } catch (...) {  // the device has failed; whoever waited for it was told
    }
  }
  MpiExchange(const MpiExchange&) = delete;  // tasks refer to it
  MpiExchange& operator=(const MpiExchange&) = delete;

  void submit(std::size_t bucket, kernels::StreamView producer) override {
    if (engine_.ranks() == 1) return;  // the sum over one rank is in place already
    Flight& flight = flights_[submissions_++ % flights_.size()];
    engine_.wait(flight.ticket);
    if (is_staged()) {
      flight.departed.record(producer);
      flight.departed.wait(outbound_);
      copy(outbound_, buckets_[bucket], host_side(bucket));
      flight.departed.record(outbound_);
    }
    // Opens when the task is gone: it has run, or an earlier one failed and nobody must wait for ever.
    std::shared_ptr<kernels::Gate> opening(&summed_, [](kernels::Gate* gate) { gate->open(); });
    flight.ticket =
        engine_.submit([this, &flight, bucket, opening = std::move(opening)](Communicator& communicator) {
          flight.departed.synchronize();
          const base::ScopedSpan span(observer_, base::Track::engine, "exchange",
                                      static_cast<std::int64_t>(bucket));
          communicator.sum(host_side(bucket).span<float>());
        });
    under_way_.push_back(bucket);
  }

  void wait(kernels::StreamView consumer) override {
    return_sums();
    returned_.record(inbound_);
    returned_.wait(consumer);
    engine_.check();
  }

  // Rabenseifner's bound for an allreduce: 2 (N - 1) / N of the data.
  std::size_t wire_bytes() const override {
    std::int64_t elements = 0;
    for (const Tensor& bucket : buckets_) elements += bucket.elements();
    const auto ranks = static_cast<std::size_t>(engine_.ranks());
    return 2 * (ranks - 1) * quant8::code_bytes(quant8::Format::fp32, elements) / ranks;
  }

 private:
  // One submission on its way; reused when its task is over.
  struct Flight {
    explicit Flight(kernels::Device device) : departed(device) {}
    kernels::Event departed;  // the device has given the bucket away
    Engine::Ticket ticket = 0;
  };

  bool is_staged() const { return device_.kind != kernels::DeviceKind::host; }
  // Where MPI reads and writes a bucket.
  Tensor host_side(std::size_t bucket) const {
    return is_staged() ? pinned_[bucket].tensor(buckets_[bucket].shape()) : buckets_[bucket];
  }
  void return_sums() {
    for (const std::size_t bucket : under_way_) {
      summed_.hold(inbound_);
      if (is_staged()) copy(inbound_, host_side(bucket), buckets_[bucket]);
    }
    under_way_.clear();
  }

  Engine& engine_;
  base::Observer* observer_;
  std::vector<Tensor> buckets_;
  kernels::Device device_;
  std::vector<kernels::PinnedBuffer<float>> pinned_;  // by bucket; none on the host
  kernels::Gate summed_;
  kernels::Stream outbound_, inbound_;
  kernels::Event returned_;
  std::vector<Flight> flights_;
  std::size_t submissions_ = 0;
  std::vector<std::size_t> under_way_;  // since the last wait, in the order of submission
};

}  // namespace

std::unique_ptr<Exchange> make_mpi_exchange(Engine& engine, std::vector<Tensor> buckets,
                                            base::Observer* observer) {
  return std::make_unique<MpiExchange>(engine, std::move(buckets), observer);
}

}  // namespace eightfold::comm
