#include "comm/measure/link.hpp"

#include "comm/mpi/timing.hpp"
#include "kernels/base/clock.hpp"
#include "kernels/base/error.hpp"
#include "kernels/base/median.hpp"

#include <algorithm>
#include <thread>

namespace eightfold::comm::measure {
namespace {

// Longer than any shaped link needs to have its credit back.
constexpr std::chrono::milliseconds kRest{100};
constexpr int kTag = 0;

// Untimed bytes sent ahead of the timed ones, in this many repeats at most. A token bucket, a congestion
// window or a sleeping core gives the first bytes another speed than the rest.
constexpr std::size_t kWarmupBytes = std::size_t{1} << 20;
constexpr std::size_t kMostWarmups = 32;

// Twice the token bucket of launch/netcluster.sh, and what it regains during a barrier.
constexpr std::size_t kMostCredit = std::size_t{512} << 10, kRegained = std::size_t{64} << 10;

template <class Run>
std::vector<double> timed(int warmups, int repeats, const Run& run) {
  std::vector<double> times_s;
  for (int i = -warmups; i < repeats; ++i) {
    const base::TimePoint start = base::Clock::now();
    run();
    if (i >= 0) times_s.push_back(base::seconds_since(start));
  }
  return times_s;
}

}  // namespace

std::vector<RankPair> rank_pairs(const schedules::Topology& topology, PairChoice choice) {
  std::vector<RankPair> pairs;
  for (int first = 0; first < topology.ranks(); ++first) {
    for (int second = first + 1; second < topology.ranks(); ++second) {
      const bool share_node = topology.node_of(first) == topology.node_of(second);
      const bool is_named =
          topology.local_rank(first) == 0 && topology.local_rank(second) == (share_node ? 1 : 0);
      if (choice == PairChoice::all || is_named) pairs.push_back({first, second});
    }
  }
  return pairs;
}

LinkModel fit_link(std::span<const LinkSample> samples) {
  base::require(!samples.empty(), "a line through no points");
  // Sums over w (t - latency - n per_byte)^2 with w = 1 / t^2.
  double w = 0, wn = 0, wt = 0, wnn = 0, wnt = 0;
  LinkSample largest = samples.front();
  for (const LinkSample& sample : samples) {
    const double n = static_cast<double>(sample.bytes), t = sample.time_s;
    w += 1 / (t * t);
    wn += n / (t * t);
    wt += 1 / t;
    wnn += n * n / (t * t);
    wnt += n / t;
    if (sample.bytes > largest.bytes) largest = sample;
  }
  const double determinant = w * wnn - wn * wn;
  const double latency_s = (wt * wnn - wn * wnt) / determinant;
  const double s_per_byte = (w * wnt - wn * wt) / determinant;
  if (!(s_per_byte > 0)) return {wt / w, static_cast<double>(largest.bytes) / largest.time_s};
  if (!(latency_s > 0)) return {0, wnn / wnt};
  return {latency_s, 1 / s_per_byte};
}

// One direction of a transfer: its segments take the slots of a ring in turn.
class LinkMeter::Half {
 public:
  Half(std::size_t bytes, const Options& options, std::span<std::byte> ring)
      : left_(bytes), segment_(options.segment_bytes), ring_(ring), under_way_(options.in_flight, 0) {}

  // Posts what there is room for: post(bytes, count of the slot).
  template <class Post>
  void advance(const Post& post) {
    for (int* count = &under_way_[slot_]; left_ > 0 && *count == 0; count = &under_way_[slot_]) {
      const std::size_t bytes = std::min(left_, segment_);
      post(ring_.subspan(slot_ * segment_, bytes), *count);
      left_ -= bytes;
      slot_ = (slot_ + 1) % under_way_.size();
    }
  }
  bool is_over() const {
    return left_ == 0 && std::ranges::all_of(under_way_, [](int count) { return count == 0; });
  }

 private:
  std::size_t left_;
  std::size_t segment_;
  std::span<std::byte> ring_;
  std::vector<int> under_way_;  // by slot
  std::size_t slot_ = 0;        // the next one
};

LinkMeter::LinkMeter(mpi::Communicator& communicator, const Options& options)
    : communicator_(communicator),
      options_(options),
      transport_(transport::make_mpi_transport(communicator)),
      outbound_(options.segment_bytes * options.in_flight),
      inbound_(outbound_.size()) {}

void LinkMeter::transfer(const Leg& out, const Leg& in) {
  Half sending(out.bytes, options_, outbound_), receiving(in.bytes, options_, inbound_);
  while (true) {
    receiving.advance([&](auto bytes, int& count) { transport_->receive(bytes, in.peer, kTag, count); });
    sending.advance([&](auto bytes, int& count) { transport_->send(bytes, out.peer, kTag, count); });
    if (sending.is_over() && receiving.is_over()) return;
    transport_->poll();
    std::this_thread::yield();  // ranks may share a core
  }
}

int LinkMeter::warmups(std::size_t bytes) const {
  return static_cast<int>(std::clamp(kWarmupBytes / bytes, std::size_t{2}, kMostWarmups));
}

double LinkMeter::one_way_s(const RankPair& pair, std::size_t bytes) {
  communicator_.barrier();  // others are no longer busy
  const bool is_first = communicator_.rank() == pair.first;
  const Leg there{is_first ? pair.second : pair.first, bytes}, nothing{0, 0};
  double time_s = 0;
  if (is_first || communicator_.rank() == pair.second)
    time_s = base::median(timed(warmups(bytes), options_.repeats, [&] {
      transfer(is_first ? there : nothing, is_first ? nothing : there);
      transfer(is_first ? nothing : there, is_first ? there : nothing);
    }));
  communicator_.broadcast(std::as_writable_bytes(std::span(&time_s, 1)), pair.first);
  return time_s / 2;
}

double LinkMeter::both_ways_s(const RankPair& pair, std::size_t bytes) {
  communicator_.barrier();
  const int rank = communicator_.rank();
  std::vector<double> times_s(static_cast<std::size_t>(options_.repeats), 0.0);
  if (rank == pair.first || rank == pair.second) {
    const Leg leg{rank == pair.first ? pair.second : pair.first, bytes};
    // Each repeat begins where the last one ended: the faster side waits for the other's bytes.
    times_s = timed(warmups(bytes), options_.repeats, [&] { transfer(leg, leg); });
  }
  return base::median(mpi::slowest_of_ranks(communicator_, times_s));
}

void LinkMeter::shift(std::size_t bytes) {
  const int rank = communicator_.rank(), ranks = communicator_.size();
  transfer({(rank + 1) % ranks, bytes}, {(rank + ranks - 1) % ranks, bytes});
}

void LinkMeter::spend_credit() {
  if (communicator_.size() == 1) return;
  communicator_.barrier();
  shift(kMostCredit);
  communicator_.barrier();  // so much takes longer on one rank than on another
  shift(kRegained);
}

double LinkMeter::ring_s(std::size_t bytes) {
  if (communicator_.size() == 1) return 0;
  std::vector<double> times_s;
  for (int i = -warmups(bytes); i < options_.repeats; ++i) {
    communicator_.barrier();
    const base::TimePoint start = base::Clock::now();
    shift(bytes);
    if (i >= 0) times_s.push_back(base::seconds_since(start));
  }
  return base::median(mpi::slowest_of_ranks(communicator_, times_s));
}

double LinkMeter::burst_bytes(double bytes_per_s) {
  constexpr std::size_t kBytes = std::size_t{2} << 20;
  constexpr double kNoise = 0.02;
  if (communicator_.size() == 1) return 0;
  std::vector<double> times_s;
  for (int i = -2; i < options_.repeats; ++i) {
    std::this_thread::sleep_for(kRest);
    communicator_.barrier();
    const base::TimePoint start = base::Clock::now();
    shift(kBytes);
    if (i >= 0) times_s.push_back(base::seconds_since(start));
  }
  const double credit = kBytes - bytes_per_s * base::median(mpi::slowest_of_ranks(communicator_, times_s));
  return credit > kNoise * kBytes ? credit : 0;
}

}  // namespace eightfold::comm::measure
