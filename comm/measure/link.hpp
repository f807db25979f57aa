#pragma once

// Measures the links between ranks with the messages of the exchange: segments below the eager limit of TCP,
// several in flight, through the transport. The rate of one large message is another number, which an
// exchange cannot reach.

#include "comm/mpi/communicator.hpp"
#include "comm/schedules/topology.hpp"
#include "comm/transport/transport.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace eightfold::comm::measure {

// Two ranks and the wire between them.
struct RankPair {
  int first = 0;
  int second = 0;

  friend bool operator==(const RankPair&, const RankPair&) = default;
};

enum class PairChoice {
  nodes,  // the first ranks of every two nodes, and the first two of every node that has two
  all,
};
std::vector<RankPair> rank_pairs(const schedules::Topology& topology, PairChoice choice);

// The time that bytes take from one rank to another: a part that they all have, and a part per byte.
struct LinkModel {
  double latency_s = 0;
  double bytes_per_s = 0;

  double time_s(double bytes) const { return latency_s + bytes / bytes_per_s; }
  friend bool operator==(const LinkModel&, const LinkModel&) = default;
};

struct LinkSample {
  std::size_t bytes;
  double time_s;
};
// The line of least squares of the relative errors, so that small messages count as much as large ones. At
// least two samples of different sizes. If noise would make the latency negative, it is 0. If noise would
// make the time of a byte negative, the rate is that of the largest sample.
LinkModel fit_link(std::span<const LinkSample> samples);

class LinkMeter {
 public:
  struct Options {
    std::size_t segment_bytes = std::size_t{32} << 10;
    std::size_t in_flight = 8;  // segments of one sender and receiver
    int repeats = 10;           // timed, after some that are not
  };

  // Nobody else sends between two ranks while this exists.
  LinkMeter(mpi::Communicator& communicator, const Options& options);

  // The members are collective. Every rank gets the same answer: seconds, the median over the repeats.

  // From one rank to the other: half the time of there and back.
  double one_way_s(const RankPair& pair, std::size_t bytes);
  // Until both ranks have what the other sent at the same time.
  double both_ways_s(const RankPair& pair, std::size_t bytes);
  // Until all ranks have sent to their next and received from their previous neighbour, all at once.
  double ring_s(std::size_t bytes);
  // Sends around the ring the burst that a shaped link passes at once after a pause, up to 512 KiB. Later
  // messages pass at the link's rate. All ranks leave it together, without a barrier at the end, during which
  // the credit would grow again.
  void spend_credit();
  // Bytes beyond its steady rate that a rank can send at once after it has rested: the credit of a shaped
  // link. 0 where it cannot be told from noise. `bytes_per_s`: the steady rate.
  double burst_bytes(double bytes_per_s);

 private:
  struct Leg {
    int peer;
    std::size_t bytes;
  };
  class Half;

  void transfer(const Leg& out, const Leg& in);
  // To the next neighbour and from the previous one.
  void shift(std::size_t bytes);
  int warmups(std::size_t bytes) const;

  mpi::Communicator& communicator_;
  Options options_;
  std::unique_ptr<transport::Transport> transport_;
  std::vector<std::byte> outbound_, inbound_;  // rings of segments
};

}  // namespace eightfold::comm::measure
