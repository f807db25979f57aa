#pragma once

// A network within one process: the transports of any number of ranks, all on one thread. Messages are late
// at random, differently with every seed, and complete in any order; what they match is what MPI would match.
// The bytes of a message are taken when its sending completes, not before: who touches them too early sends
// something else.

#include "comm/transport/transport.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <tuple>
#include <vector>

namespace eightfold::test {

class LocalNetwork {
 public:
  // A message is late by up to `longest_delay` polls of the rank it concerns.
  LocalNetwork(int ranks, int longest_delay, unsigned seed = 1);

  std::unique_ptr<comm::transport::Transport> transport(int rank);

  // Called with every message's sender, receiver and bytes before they arrive; may change them.
  std::function<void(int, int, std::span<std::byte>)> tamper;
  // By rank.
  std::vector<std::size_t> bytes_sent;

 private:
  friend class LocalTransport;
  using Channel = std::tuple<int, int, int>;  // sender, receiver, tag
  struct Receive {
    std::span<std::byte> bytes;
    int* under_way;
  };
  struct Message {
    std::vector<std::byte> bytes;
    bool is_taken = false;  // the bytes are the network's
  };
  // An event that a rank has yet to learn, after so many polls and when it is possible; true when it has
  // happened.
  struct Late {
    int polls;
    std::function<bool()> happen;
  };

  void send(int from, int to, int tag, std::span<const std::byte> bytes, int& under_way);
  void receive(int from, int to, int tag, Receive receive);
  void match(const Channel& channel);
  void poll(int rank);
  int delay() { return std::uniform_int_distribution(0, longest_delay_)(random_); }

  int longest_delay_;
  std::mt19937 random_;
  std::map<Channel, std::deque<std::shared_ptr<Message>>> sent_;
  std::map<Channel, std::deque<Receive>> wanted_;
  std::vector<std::vector<Late>> late_;  // by rank
};

}  // namespace eightfold::test
