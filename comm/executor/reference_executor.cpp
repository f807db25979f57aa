// The oracle of the executor: all ranks in one thread, whole shards instead of segments, messages in a map.
// Nothing overlaps, nothing is reused, so that a reader can check it against comm/schedules/schedule.hpp.
#include "comm/executor/reference_executor.hpp"

#include "kernels/base/error.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

namespace eightfold::comm::executor {
namespace {

using Bytes = std::vector<std::byte>;

// Sender, receiver, shard, and whether the bytes are sealed: a message's address.
using Address = std::tuple<int, int, int, bool>;
using Messages = std::map<Address, Bytes>;

// The state of one shard on one rank.
class ShardState {
 public:
  ShardState(const ReferenceRun& run, int rank, std::int64_t first, std::span<float> values,
             std::span<float> residual)
      : run_(run), rank_(rank), first_(first), values_(values), residual_(residual) {}

  // A run may cover a part of the bucket that has nothing of this shard.
  bool is_empty() const { return values_.empty(); }

  void add(int sender, const Bytes& bytes) { received_.emplace(sender, bytes); }
  void set_final(const Bytes& bytes) {
    sealed_ = bytes;
    run_.codec.decode(kStream, *sealed_, values_);
  }
  // The sum becomes the rank's values: from the lowest rank to the highest, its own at its own place.
  void sum_in_place(float factor = 1) {
    if (received_.empty() && factor == 1) return;
    const std::vector<float> own(values_.begin(), values_.end());
    std::vector<quant8::Contribution> contributions;
    for (const auto& [sender, bytes] : received_) {
      if (sender > rank_ && !has_own(contributions)) contributions.emplace_back(std::span<const float>(own));
      contributions.emplace_back(std::span<const std::byte>(bytes));
    }
    if (!has_own(contributions)) contributions.emplace_back(std::span<const float>(own));
    run_.codec.sum(kStream, {contributions, elements(), factor}, values_);
    received_.clear();
  }
  // The owner goes on with what its own bytes decode to, as everybody else does (rule 4).
  void seal() {
    sum_in_place(run_.factor);
    set_final(encoded(residual_, quant8::RoundingStage::kSeal, quant8::RoundingKey::kNoRank));
  }
  // What was received last is added; a sealed shard has had its last sum.
  void finish() {
    if (!received_.empty()) sum_in_place(run_.factor);
  }
  // The first encoding is of the rank's own values, with its residual; later ones are of partial sums, which
  // have none.
  Bytes fresh(std::size_t round) {
    if (received_.empty() && !is_sum_) return encoded(residual_, quant8::RoundingStage::kContribution, rank_);
    sum_in_place();
    is_sum_ = true;
    return encoded({}, quant8::RoundingStage::partial_sum(round), quant8::RoundingKey::kNoRank);
  }
  const Bytes& sealed() const {
    base::require(sealed_.has_value(), "rank {} sends a shard before it is sealed", rank_);
    return *sealed_;
  }

 private:
  static inline const kernels::StreamView kStream{kernels::Device{}, nullptr};

  static bool has_own(const std::vector<quant8::Contribution>& contributions) {
    return std::ranges::any_of(contributions, [](const quant8::Contribution& each) {
      return std::holds_alternative<std::span<const float>>(each);
    });
  }
  std::int64_t elements() const { return static_cast<std::int64_t>(values_.size()); }
  Bytes encoded(std::span<float> residual, std::uint32_t stage, int rank) const {
    quant8::Stamp stamp{0, run_.rounding};
    stamp.rounding.stage = stage;
    stamp.rounding.rank = rank;
    stamp.rounding.first = static_cast<std::uint64_t>(first_);
    Bytes bytes(run_.codec.wire_bytes(elements()));
    run_.codec.encode(kStream, values_, residual, stamp, bytes);
    return bytes;
  }

  const ReferenceRun& run_;
  int rank_;
  std::int64_t first_;  // within the bucket
  std::span<float> values_, residual_;
  std::map<int, Bytes> received_;  // since the last sum, by sender
  bool is_sum_ = false;            // the values are no longer the rank's own contribution
  std::optional<Bytes> sealed_;
};

// One rank on its way through its rounds.
class Rank {
 public:
  Rank(const schedules::Schedule& schedule, const ReferenceRun& run, int rank, std::span<float> values,
       std::span<float> residual)
      : schedule_(schedule), rank_(rank) {
    for (const schedules::Shard& shard : schedule.shards) {
      const std::int64_t begin = std::clamp(shard.offset, run.first, run.first + run.count);
      const std::int64_t end = std::clamp(shard.offset + shard.count, run.first, run.first + run.count);
      const auto place = static_cast<std::size_t>(begin - run.first);
      const auto count = static_cast<std::size_t>(end - begin);
      shards_.emplace_back(run, rank, begin, values.subspan(place, count),
                           residual.empty() ? residual : residual.subspan(place, count));
    }
  }

  bool is_over() const { return round_ == schedule_.rounds.size(); }
  // A whole round, or the half of it that can be done. Whether anything could be.
  bool advance(Messages& messages) {
    if (is_over()) return false;
    const bool starts = !has_sent_;
    if (starts) send(messages);
    has_sent_ = true;
    if (!has_messages(messages)) return starts;
    receive(messages);
    has_sent_ = false;
    ++round_;
    return true;
  }
  void finish() {
    for (ShardState& state : shards_) state.finish();
  }

 private:
  template <class Do>
  void for_steps(std::initializer_list<schedules::Action> actions, const Do& act) {
    for (const schedules::Step& step : schedule_.rounds[round_])
      if (ShardState& state = shards_.at(static_cast<std::size_t>(step.shard));
          !state.is_empty() && std::ranges::find(actions, step.action) != actions.end())
        act(step, state);
  }
  Address incoming(const schedules::Step& step) const {
    return {step.peer, rank_, step.shard, step.action == schedules::Action::receive_final};
  }

  // Sealing comes first, then all sends: a message holds what earlier rounds and the seal have left (rule 1).
  void send(Messages& messages) {
    for_steps({schedules::Action::seal}, [&](const schedules::Step&, ShardState& state) { state.seal(); });
    for_steps({schedules::Action::send_fresh, schedules::Action::send_sealed}, [&](const schedules::Step&
                                                                                       step,
                                                                                   ShardState& state) {
      const bool is_sealed = step.action == schedules::Action::send_sealed;
      messages[{rank_, step.peer, step.shard, is_sealed}] = is_sealed ? state.sealed() : state.fresh(round_);
    });
  }
  // Messages stay in the map for good: their addresses are unique in a collective (rule 2).
  bool has_messages(const Messages& messages) {
    bool has_all = true;
    for_steps({schedules::Action::receive_add, schedules::Action::receive_final},
              [&](const schedules::Step& step, ShardState&) {
                has_all = has_all && messages.contains(incoming(step));
              });
    return has_all;
  }
  // Contributions are only kept: the sum is due at the next seal or send (rule 3).
  void receive(const Messages& messages) {
    for_steps({schedules::Action::receive_add}, [&](const schedules::Step& step, ShardState& state) {
      state.add(step.peer, messages.at(incoming(step)));
    });
    for_steps({schedules::Action::receive_final}, [&](const schedules::Step& step, ShardState& state) {
      state.set_final(messages.at(incoming(step)));
    });
  }

  const schedules::Schedule& schedule_;
  int rank_;
  std::vector<ShardState> shards_;  // by shard
  std::size_t round_ = 0;
  bool has_sent_ = false;  // in this round
};

}  // namespace

void run_reference(std::span<const schedules::Schedule> schedules, const ReferenceRun& run,
                   std::span<std::vector<float>> values, std::span<std::vector<float>> residuals) {
  base::require(run.codec.encoding().scaling == quant8::Scaling::block && run.first % quant8::kBlock == 0,
                "the reference computes whole blocks with scales of their own");
  base::require(values.size() == schedules.size(), "{} schedules for the values of {} ranks",
                schedules.size(), values.size());
  std::vector<Rank> ranks;
  for (std::size_t i = 0; i < schedules.size(); ++i)
    ranks.emplace_back(schedules[i], run, static_cast<int>(i), values[i],
                       residuals.empty() ? std::span<float>() : std::span<float>(residuals[i]));
  // Ranks take turns until none can move. Those that wait then wait for messages that nobody sends.
  Messages messages;
  for (bool moved = true; moved;) {
    moved = false;
    for (Rank& rank : ranks) moved = rank.advance(messages) || moved;
  }
  for (Rank& rank : ranks) {
    base::require(rank.is_over(), "the schedules come to a standstill");
    rank.finish();
  }
}

}  // namespace eightfold::comm::executor
