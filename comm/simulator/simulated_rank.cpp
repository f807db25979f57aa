#include "comm/simulator/simulated_rank.hpp"

#include "comm/engine/engine.hpp"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

namespace eightfold::comm::simulator {
namespace {

// As urgent as nothing else: what is encoded is posted, and what has come is taken in, before the engine
// encodes or decodes more.
constexpr int kAtOnce = std::numeric_limits<int>::max();

}  // namespace

bool WorkQueue::Item::operator<(const Item& other) const {
  // The last round first, as the executor sorts its stages. Then the oldest bucket, as the engine's turns go.
  return std::tuple(-round, bucket, number) > std::tuple(-other.round, other.bucket, other.number);
}

void WorkQueue::add(int round, int bucket, double time_s, Cluster::Done done) {
  items_.push({round, bucket, added_++, time_s, std::move(done)});
  if (!is_busy_) next();
}

void WorkQueue::next() {
  if (items_.empty()) return;
  const Item item = items_.top();
  items_.pop();
  is_busy_ = true;
  cluster_.work(rank_, processor_, item.time_s, [this, done = item.done] {
    is_busy_ = false;
    // It may have added work, which then has started.
    done();
    if (!is_busy_) next();
  });
}

SimulatedRank::SimulatedRank(const SimulatedWorld& world, int rank, std::vector<SimulatedRank>& all)
    : world_(world),
      rank_(rank),
      all_(all),
      engine_(world.cluster, rank, Processor::engine),
      codec_(world.cluster, rank, Processor::codec),
      buckets_(world.step.buckets.size()),
      is_over_(world.step.buckets.size(), false) {}

void SimulatedRank::start() {
  compute(0);
}

void SimulatedRank::compute(std::size_t piece_of_work) {
  if (piece_of_work == world_.step.work.size()) return wait_for(0);
  const SimulatedStep::Work& work = world_.step.work[piece_of_work];
  world_.cluster.work(rank_, Processor::compute, work.time_s, [this, piece_of_work, &work] {
    submit_complete(work.complete);
    compute(piece_of_work + 1);
  });
}

void SimulatedRank::submit_complete(std::int64_t complete) {
  std::int64_t end = 0;
  for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    end += world_.step.buckets[bucket];
    if (end > complete) break;
    submitted_ = std::max(submitted_, bucket + 1);
  }
  begin_ready();
}

// The worker updates the weights of one bucket after the other (runtime/run/worker.cpp).
void SimulatedRank::wait_for(std::size_t bucket) {
  if (bucket == buckets_.size()) {
    ended_s_ = world_.cluster.now_s();
    return;
  }
  awaited_ = bucket;
  if (!is_over_[bucket]) {
    if (!std::exchange(is_waiting_, true)) waits_since_s_ = world_.cluster.now_s();
    return;
  }
  if (std::exchange(is_waiting_, false)) exposed_s_ += world_.cluster.now_s() - waits_since_s_;
  const double time_s = world_.step.update_s_per_element * static_cast<double>(world_.step.buckets[bucket]);
  world_.cluster.work(rank_, Processor::compute, time_s, [this, bucket] { wait_for(bucket + 1); });
}

// The replay of a bucket. A piece counts what it still waits for: the tasks before it, the bucket's begin
// and, where it receives, its message. The last of these executes it. Codec work queues for the device or the
// engine, sends queue for the engine and then in an outbox. A finished piece releases the same piece of later
// tasks: segments wait for nothing else (rule 5 of comm/schedules/schedule.hpp).
// How many buckets are under way, and in which order they begin, is the policy of Engine::start_ready().
void SimulatedRank::begin_ready() {
  while (begun_ < submitted_ && under_way_ < engine::Engine::kUnderWay) {
    const auto bucket = static_cast<int>(begun_++);
    ++under_way_;
    open(bucket);
    for (std::size_t task = 0; task < plan(bucket).size(); ++task)
      for (int piece = 0; piece < pieces(bucket); ++piece) release({bucket, static_cast<int>(task), piece});
    // A rank alone: no piece will end the bucket.
    if (plan(bucket).empty()) end_piece(bucket);
  }
}

// A peer that is ahead may send before this rank has come to the bucket. Every piece waits for the bucket's
// begin, and a receiving one for its message.
void SimulatedRank::open(int number) {
  Bucket& bucket = buckets_[static_cast<std::size_t>(number)];
  if (!bucket.waits_for.empty()) return;
  const auto each = static_cast<std::size_t>(pieces(number));
  bucket.waits_for.reserve(plan(number).size() * each);
  for (const ReplayTask& task : plan(number))
    bucket.waits_for.insert(bucket.waits_for.end(), each, task.waits_for + 1 + (task.is_receive() ? 1 : 0));
  bucket.left = static_cast<int>(bucket.waits_for.size());
}

void SimulatedRank::release(const Piece& piece) {
  Bucket& bucket = buckets_[static_cast<std::size_t>(piece.bucket)];
  const auto place = static_cast<std::size_t>(piece.task) * static_cast<std::size_t>(pieces(piece.bucket)) +
                     static_cast<std::size_t>(piece.piece);
  if (--bucket.waits_for[place] == 0) execute(piece);
}

void SimulatedRank::execute(const Piece& piece) {
  switch (task(piece).action) {
    case schedules::Action::send_sealed:
      return post(piece);
    case schedules::Action::receive_add:
      // Free of cost: decoding belongs to the task that sums it.
      return finish(piece);
    default:
      return encode_or_decode(piece);
  }
}

void SimulatedRank::encode_or_decode(const Piece& piece) {
  const ReplayTask& now = task(piece);
  const double time_s = (static_cast<double>(now.encoded) * world_.step.encode_s_per_element +
                         static_cast<double>(now.decoded) * world_.step.decode_s_per_element) /
                        pieces(piece.bucket);
  codec_s_ += time_s;
  codec_queue().add(now.round, piece.bucket, time_s, [this, piece] {
    if (task(piece).is_send()) return post(piece);
    finish(piece);
  });
}

// A flow stands for a message of every shard, and for all their segments where they are one.
double SimulatedRank::messages(const Piece& piece) const {
  const BucketPlan& bucket = *world_.buckets[static_cast<std::size_t>(piece.bucket)];
  return static_cast<double>(task(piece).shards * bucket.segments) / bucket.pieces;
}

// The piece is finished when it is posted. So a bucket may end while its last bytes are on their way, where
// the executor waits until MPI has taken them.
void SimulatedRank::post(const Piece& piece) {
  const ReplayTask& now = task(piece);
  const Way way = way_to(now.peer);
  double time_s = world_.fabric.message_s * messages(piece);
  if (way == kNetwork) time_s += world_.fabric.send_s_per_byte * bytes(piece);
  engine_.add(kAtOnce, piece.bucket, time_s, [this, piece, way] {
    finish(piece);
    outboxes_[way].messages.push_back(piece);
    send_next(way);
  });
}

// To each peer one message at a time, as over a connection. If fewer messages than peers may be under way,
// the one with the emptiest last link goes first: none waits behind one that cannot move.
void SimulatedRank::send_next(Way way) {
  constexpr int kNot = std::numeric_limits<int>::max();
  Outbox& outbox = outboxes_[way];
  const auto queued = [&](const Piece& each) {
    const int peer = task(each).peer;
    const bool is_busy = std::ranges::find(outbox.peers, peer) != outbox.peers.end();
    return is_busy ? kNot : world_.cluster.last_link_messages(rank_, peer);
  };
  while (outbox.peers.size() < world_.peers_at_once && !outbox.messages.empty()) {
    const auto next = std::ranges::min_element(outbox.messages, {}, queued);
    if (queued(*next) == kNot) return;
    const Piece piece = *next;
    outbox.messages.erase(next);
    send(piece, way);
  }
}

void SimulatedRank::send(const Piece& piece, Way way) {
  const ReplayTask& now = task(piece);
  ++flows_;
  world_.progress.count_message();
  // The bytes are those of the task, not of its pieces.
  if (piece.piece == 0) bytes_sent_ += now.bytes;
  outboxes_[way].peers.push_back(now.peer);
  world_.cluster.send(
      rank_, now.peer, bytes(piece),
      [this, way, peer = now.peer] {
        std::vector<int>& peers = outboxes_[way].peers;
        peers.erase(std::ranges::find(peers, peer));
        send_next(way);
      },
      [this, piece] {
        const ReplayTask& sent = task(piece);
        all_[static_cast<std::size_t>(sent.peer)].receive({piece.bucket, sent.meets, piece.piece});
      });
}

void SimulatedRank::receive(const Piece& piece) {
  open(piece.bucket);
  const ReplayTask& now = task(piece);
  const double time_s = way_to(now.peer) == kNetwork ? world_.fabric.receive_s_per_byte * bytes(piece) : 0;
  engine_.add(kAtOnce, piece.bucket, time_s, [this, piece] { release(piece); });
}

void SimulatedRank::finish(const Piece& piece) {
  for (const int next : task(piece).then) release({piece.bucket, next, piece.piece});
  end_piece(piece.bucket);
}

void SimulatedRank::end_piece(int number) {
  if (--buckets_[static_cast<std::size_t>(number)].left > 0) return;
  // Frees it: thousands of ranks have one for each bucket.
  buckets_[static_cast<std::size_t>(number)].waits_for = {};
  is_over_[static_cast<std::size_t>(number)] = true;
  --under_way_;
  begin_ready();
  if (is_waiting_ && is_over_[awaited_]) wait_for(awaited_);
}

const ReplayPlan& SimulatedRank::plan(int bucket) const {
  return world_.buckets[static_cast<std::size_t>(bucket)]->ranks[static_cast<std::size_t>(rank_)];
}
const ReplayTask& SimulatedRank::task(const Piece& piece) const {
  return plan(piece.bucket)[static_cast<std::size_t>(piece.task)];
}
SimulatedRank::Way SimulatedRank::way_to(int peer) const {
  return world_.topology.node_of(peer) == world_.topology.node_of(rank_) ? kNeighbour : kNetwork;
}
int SimulatedRank::pieces(int bucket) const {
  return world_.buckets[static_cast<std::size_t>(bucket)]->pieces;
}
double SimulatedRank::bytes(const Piece& piece) const {
  return static_cast<double>(task(piece).bytes) / pieces(piece.bucket);
}

}  // namespace eightfold::comm::simulator
