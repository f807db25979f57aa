#include "comm/prover/execution.hpp"

#include "kernels/base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace eightfold::comm::prover {
namespace {

void expect(bool condition, const PlacedStep& placed, std::string_view otherwise) {
  if (!condition) base::raise<base::InternalError>("{}: {}", to_string(placed), otherwise);
}

}  // namespace

void Execution::prepare() {
  progress_.resize(static_cast<std::size_t>(ranks_));
  posted_.resize(steps_.size());
  payload_.resize(steps_.size(), Values::kNothing);
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    if (i > 0 && steps_[i].rank == steps_[i - 1].rank) continue;
    Progress& progress = progress_[static_cast<std::size_t>(steps_[i].rank)];
    progress.begin = progress.end = i;
  }
}

// The end of a rank without steps stays 0: the step there is another rank's, or there is none.
bool Execution::is_over(int rank) const {
  const std::size_t next = progress_[static_cast<std::size_t>(rank)].end;
  return next == steps_.size() || steps_[next].rank != rank;
}

// Every rank posts the messages of its round. A round is over when the other ends of all its messages are
// posted, too. What a message carries is fixed when its send is posted, and additions are sorted by sender.
// So the order in which ranks leave ready_ changes no value: this one run stands for all orders of arrival. A
// rank whose messages are still open when nobody is ready waits for ever.
void Execution::run() {
  for (int rank = 0; rank < ranks_; ++rank) begin_round(rank);
  while (!ready_.empty()) {
    const int rank = ready_.back();
    ready_.pop_back();
    end_round(rank);
    begin_round(rank);
  }
  for (const Progress& progress : progress_)
    if (progress.open > 0) raise_deadlock();
}

void Execution::begin_round(int rank) {
  if (is_over(rank)) return;
  Progress& progress = progress_[static_cast<std::size_t>(rank)];
  const auto in_round = [&, round = steps_[progress.end].round](const PlacedStep& placed) {
    return placed.rank == rank && placed.round == round;
  };
  progress.begin = progress.end;
  while (progress.end < steps_.size() && in_round(steps_[progress.end])) ++progress.end;

  // Rule 1 of comm/schedules/schedule.hpp: the sends of this round carry what its seals have left.
  for (std::size_t i = progress.begin; i < progress.end; ++i)
    if (steps_[i].step.action == schedules::Action::seal) seal(steps_[i]);
  for (std::size_t i = progress.begin; i < progress.end; ++i)
    if (steps_[i].step.action != schedules::Action::seal) post(i);
  if (progress.open == 0) ready_.push_back(rank);
}

// Only the end that comes first keeps a message open, for its own rank. The second end finds the first
// posted: with it the message has met.
void Execution::post(std::size_t place) {
  const PlacedStep& placed = steps_[place];
  if (is_send(placed.step)) payload_[place] = payload_of(placed);
  posted_[place] = 1;
  const auto other_end = static_cast<std::size_t>(placed.other_end);
  if (posted_[other_end] == 0) {
    ++progress_[static_cast<std::size_t>(placed.rank)].open;
    return;
  }
  const int peer = placed.step.peer;
  if (--progress_[static_cast<std::size_t>(peer)].open == 0) ready_.push_back(peer);
}

// Final shards are taken in before the additions. An addition to one of them in the same round breaks rule 4,
// and only in this order is it found.
void Execution::end_round(int rank) {
  const Progress& progress = progress_[static_cast<std::size_t>(rank)];
  std::vector<std::size_t> additions;
  for (std::size_t i = progress.begin; i < progress.end; ++i) {
    if (steps_[i].step.action == schedules::Action::receive_final) receive_final(steps_[i]);
    if (steps_[i].step.action == schedules::Action::receive_add) additions.push_back(i);
  }
  // Rule 3: a sum has the order of the ranks, whatever the order of the steps.
  std::ranges::sort(additions, {}, [&](std::size_t place) {
    return std::pair(steps_[place].step.shard, steps_[place].step.peer);
  });
  for (auto first = additions.begin(); first != additions.end();) {
    const auto last = std::find_if(first, additions.end(), [&](std::size_t place) {
      return steps_[place].step.shard != steps_[*first].step.shard;
    });
    add(std::span(first, last));
    first = last;
  }
}

void Execution::seal(const PlacedStep& placed) {
  State& own = state(placed);
  expect(own.value != Values::kNothing, placed, "it has nothing of it");
  expect(!own.sealed, placed, "the shard is sealed already");
  own = {values_.encoded(own.value), true};
}

// Encoding for a message leaves the sender's own values in fp32. So sending them to several peers quantises
// them once for each, not one after the other.
Values::Id Execution::payload_of(const PlacedStep& send) {
  const State& own = state(send);
  if (send.step.action == schedules::Action::send_sealed) {
    expect(own.sealed, send, "the shard is not sealed");
    return own.value;
  }
  expect(own.value != Values::kNothing, send, "it has nothing of it");
  expect(!own.sealed, send, "a sealed shard is not encoded again");
  return values_.encoded(own.value);
}

void Execution::receive_final(const PlacedStep& placed) {
  State& own = state(placed);
  expect(!own.sealed, placed, "the shard is sealed already");
  own = {payload_[static_cast<std::size_t>(placed.other_end)], true};
}

// All that the round adds to one shard, by sender.
void Execution::add(std::span<const std::size_t> receives) {
  const PlacedStep& first = steps_[receives.front()];
  State& own = state(first);
  expect(own.value != Values::kNothing, first, "it has nothing to add to");
  expect(!own.sealed, first, "nothing is added to a sealed shard");
  std::vector<Values::Id> terms;
  bool own_is_in = false;
  for (const std::size_t receive : receives) {
    if (!own_is_in && steps_[receive].step.peer > first.rank) {
      terms.push_back(own.value);
      own_is_in = true;
    }
    terms.push_back(payload_[static_cast<std::size_t>(steps_[receive].other_end)]);
  }
  if (!own_is_in) terms.push_back(own.value);
  if (const std::optional<int> rank = values_.counted_twice(terms))
    expect(false, first, fmt::format("the contribution of rank {} would count twice", *rank));
  own.value = values_.sum(terms);
}

// Follows the waits from any rank that waits until one comes up again.
// There always is a next one: the peer of an open message has not come to the other end, so it waits, too.
void Execution::raise_deadlock() const {
  const auto first_open = [&](int rank) {
    const Progress& progress = progress_[static_cast<std::size_t>(rank)];
    std::size_t place = progress.begin;
    while (steps_[place].other_end == schedules::kNoRank ||
           posted_[static_cast<std::size_t>(steps_[place].other_end)] != 0)
      ++place;
    return place;
  };
  int rank = 0;
  while (progress_[static_cast<std::size_t>(rank)].open == 0) ++rank;
  std::vector<char> seen(static_cast<std::size_t>(ranks_));
  std::string chain;
  while (std::exchange(seen[static_cast<std::size_t>(rank)], 1) == 0) {
    const PlacedStep& waiting = steps_[first_open(rank)];
    chain += fmt::format("{}{}", chain.empty() ? "" : "; ", to_string(waiting));
    rank = waiting.step.peer;
  }
  base::raise<base::InternalError>("deadlock: {}", chain);
}

}  // namespace eightfold::comm::prover
