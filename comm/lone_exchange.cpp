#include "comm/lone_exchange.hpp"

#include "comm/operation_planner.hpp"
#include "kernels/base/error.hpp"

#include <algorithm>
#include <list>

namespace eightfold::comm {
namespace {

class LoneExchange final : public Exchange {
 public:
  explicit LoneExchange(kernels::Device device) : device_(device) {}

  void plan(const Request& request) override { check_request(request, device_, 1); }
  Ticket submit(const Request& request, kernels::StreamView producer) override {
    plan(request);
    if (request.input.data() != request.output.data()) copy(producer, request.input, request.output);
    Submitted& submitted = submitted_.emplace_back(Submitted{{}, kernels::Event(device_)});
    submitted.ticket = ++count_;
    submitted.completed.record(producer);
    return count_;
  }
  void wait(Ticket ticket, kernels::StreamView consumer) override {
    const auto found = std::ranges::find(submitted_, ticket, &Submitted::ticket);
    base::require(found != submitted_.end(), "a wait for request {}, which is over", ticket);
    found->completed.wait(consumer);
    submitted_.erase(found);
  }
  schedules::Shard shard(std::int64_t elements, int) const override { return {0, elements, 0}; }
  std::size_t wire_bytes(const Request&) override { return 0; }
  std::uint64_t ticket_waits() const override { return 0; }

 private:
  struct Submitted {
    Ticket ticket;
    kernels::Event completed;
  };
  kernels::Device device_;
  std::list<Submitted> submitted_;
  Ticket count_ = 0;
};

}  // namespace

std::unique_ptr<Exchange> make_lone_exchange(kernels::Device device) {
  return std::make_unique<LoneExchange>(device);
}

}  // namespace eightfold::comm
