#include "tests/comm/executor/local_network.hpp"

#include "kernels/base/error.hpp"

#include <algorithm>
#include <utility>

namespace eightfold::test {

class LocalTransport final : public comm::transport::Transport {
 public:
  LocalTransport(LocalNetwork& network, int rank) : network_(network), rank_(rank) {}

  void send(std::span<const std::byte> bytes, int peer, int tag, int& under_way) override {
    network_.send(rank_, peer, tag, bytes, under_way);
  }
  void receive(std::span<std::byte> bytes, int peer, int tag, int& under_way) override {
    ++under_way;
    network_.receive(peer, rank_, tag, {bytes, &under_way});
  }
  void poll() override { network_.poll(rank_); }

 private:
  LocalNetwork& network_;
  int rank_;
};

LocalNetwork::LocalNetwork(int ranks, int longest_delay, unsigned seed)
    : bytes_sent(static_cast<std::size_t>(ranks)),
      longest_delay_(longest_delay),
      random_(seed),
      late_(static_cast<std::size_t>(ranks)) {}

std::unique_ptr<comm::transport::Transport> LocalNetwork::transport(int rank) {
  return std::make_unique<LocalTransport>(*this, rank);
}

void LocalNetwork::send(int from, int to, int tag, std::span<const std::byte> bytes, int& under_way) {
  ++under_way;
  bytes_sent[static_cast<std::size_t>(from)] += bytes.size();
  auto message = std::make_shared<Message>();
  late_[static_cast<std::size_t>(from)].push_back({delay(), [message, bytes, &under_way] {
                                                     message->bytes.assign(bytes.begin(), bytes.end());
                                                     message->is_taken = true;
                                                     --under_way;
                                                     return true;
                                                   }});
  const Channel channel{from, to, tag};
  sent_[channel].push_back(std::move(message));
  match(channel);
}

void LocalNetwork::receive(int from, int to, int tag, Receive receive) {
  const Channel channel{from, to, tag};
  wanted_[channel].push_back(receive);
  match(channel);
}

void LocalNetwork::match(const Channel& channel) {
  auto& sent = sent_[channel];
  auto& wanted = wanted_[channel];
  if (sent.empty() || wanted.empty()) return;
  auto arrive = [this, channel, message = std::move(sent.front()), target = wanted.front()] {
    if (!message->is_taken) return false;
    const auto [from, to, tag] = channel;
    if (message->bytes.size() != target.bytes.size())
      base::raise<base::DataError>("{} bytes from rank {} where {} were expected", message->bytes.size(),
                                   from, target.bytes.size());
    if (tamper) tamper(from, to, message->bytes);
    std::ranges::copy(message->bytes, target.bytes.begin());
    --*target.under_way;
    return true;
  };
  sent.pop_front();
  wanted.pop_front();
  late_[static_cast<std::size_t>(std::get<1>(channel))].push_back({delay(), std::move(arrive)});
}

void LocalNetwork::poll(int rank) {
  auto& late = late_[static_cast<std::size_t>(rank)];
  std::vector<Late> still;
  for (Late& each : std::exchange(late, {})) {
    if (each.polls > 0)
      --each.polls;
    else if (each.happen())
      continue;
    still.push_back(std::move(each));
  }
  std::ranges::move(still, std::back_inserter(late));
}

}  // namespace eightfold::test
