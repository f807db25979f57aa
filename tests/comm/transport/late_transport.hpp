#pragma once

#include "comm/transport/transport.hpp"

#include <deque>
#include <memory>
#include <random>

namespace eightfold::test {

// Another transport whose messages are told complete late, by up to so many polls, at random.
class LateTransport final : public comm::transport::Transport {
 public:
  LateTransport(std::unique_ptr<comm::transport::Transport> transport, int longest_delay, unsigned seed)
      : transport_(std::move(transport)), delay_(0, longest_delay), random_(seed) {}

  void send(std::span<const std::byte> bytes, int peer, int tag, int& under_way) override {
    transport_->send(bytes, peer, tag, next(under_way).inner);
  }
  void receive(std::span<std::byte> bytes, int peer, int tag, int& under_way) override {
    transport_->receive(bytes, peer, tag, next(under_way).inner);
  }
  void poll() override {
    transport_->poll();
    for (Message& message : messages_)
      if (message.outer != nullptr && message.inner == 0 && message.polls-- == 0)
        --*std::exchange(message.outer, nullptr);
    while (!messages_.empty() && messages_.front().outer == nullptr) messages_.pop_front();
  }

 private:
  struct Message {
    int* outer;  // null: told
    int polls;
    int inner = 0;
  };

  Message& next(int& under_way) {
    ++under_way;
    return messages_.emplace_back(Message{&under_way, delay_(random_)});
  }

  std::unique_ptr<comm::transport::Transport> transport_;
  std::uniform_int_distribution<int> delay_;
  std::mt19937 random_;
  std::deque<Message> messages_;
};

}  // namespace eightfold::test
