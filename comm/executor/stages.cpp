// How segments flow through a rank.
//
// A stage handles the segments of its shard in order. Segment k needs segment k of the stages before it and
// nothing else. So the codec encodes segment k + 1 while k is on the wire and k - 1 is decoded.
//
// done() means enqueued, not computed. All codec calls of a bucket go to one stream, which keeps their order.
// Only the wire needs an event: MPI reads memory that the device may still be writing.
//
// Memory is bounded by windows. A lane is a ring of slots, segment k in slot k modulo their number. A slot is
// free again when the transport has no message in it, the device has passed the slot's event, and:
//   ReceiveAdd    the stage that adds the segment has enqueued its last read (ShardSum::release)
//   ReceiveFinal  it has decoded the segment, and every SendSealed has sent the bytes on
//   SendFresh     it has sent the segment
//   Seal          every SendSealed has sent the bytes
// A full ring stops its stage, and through the missing messages the peer's. That is all the flow control.
#include "comm/executor/stages.hpp"

#include "comm/executor/executor.hpp"
#include "kernels/base/error.hpp"
#include "quant8/segment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace eightfold::comm::executor {
namespace {

// Ring slots are all as large as the first segment's message.
std::size_t largest_message(const ShardPart& shard) {
  return shard.bytes(0);
}

std::size_t slots(const ShardPart& shard) {
  return std::min(shard.bucket().window, static_cast<std::size_t>(shard.segments()));
}

// The flight record has 16 bits for each number.
std::uint16_t up_to_65535(std::int64_t number) {
  return static_cast<std::uint16_t>(std::min<std::int64_t>(number, 65535));
}

base::Wait wait(const ShardPart& shard, base::Wait::Direction direction, int peer, std::int64_t segment) {
  return {direction, up_to_65535(peer), up_to_65535(shard.bucket().rounding.bucket), up_to_65535(segment)};
}

// The first message that is on its way to a peer, of the last `slots` before `sent`.
template <class UnderWay>
base::Wait wait_to_send(const ShardPart& shard, int peer, std::int64_t sent, std::int64_t slots,
                        const UnderWay& is_under_way) {
  for (std::int64_t segment = std::max<std::int64_t>(0, sent - slots); segment < sent; ++segment)
    if (is_under_way(segment)) return wait(shard, base::Wait::Direction::send, peer, segment);
  return {};
}

// Content and channel make the tag. With the sender they name a message's stage, and the order of messages
// between two ranks its segment.
int tag(const ShardPart& shard, const Route& route) {
  return route.content * Executor::kChannels + shard.bucket().run.channel;
}

bool is_on_host(const BucketContext& bucket) {
  return bucket.stream.device().kind == kernels::DeviceKind::host;
}

}  // namespace

bool Predecessors::have_done(std::int64_t segment) const {
  return std::ranges::all_of(stages_, [&](const PipelineStage* stage) { return stage->done() > segment; });
}

Receive::Receive(const ShardPart& shard, Route route)
    : PipelineStage(shard),
      route_(route),
      lane_(shard.bucket().staging, largest_message(shard), slots(shard)),
      sender_(fmt::format("rank {}", route.peer)),
      receiver_(fmt::format("rank {}", shard.bucket().rank)) {}

void Receive::begin() {
  PipelineStage::begin();
  posted_ = 0;
}

base::Wait Receive::waits_for() const {
  if (done_ == posted_ || lane_.under_way(done_) == 0) return {};
  return wait(shard_, base::Wait::Direction::receive, route_.peer, done_);
}

// A receive is posted as soon as its slot is free, before the peer has anything to send. MPI then writes into
// the slot. An unexpected message it would keep in memory of its own and copy later.
bool Receive::post() {
  bool moved = false;
  for (; posted_ < shard_.segments() && is_free(posted_); ++posted_, moved = true)
    shard_.bucket().transport.receive(lane_.wire_side(posted_, shard_.bytes(posted_)), route_.peer,
                                      tag(shard_, route_), lane_.under_way(posted_));
  return moved;
}

bool Receive::has_arrived() {
  if (done_ == posted_ || lane_.under_way(done_) > 0) return false;
  // A device's own memory is not the host's to read: there nothing but the length is checked.
  const BucketContext& bucket = shard_.bucket();
  if (!is_on_host(bucket) && bucket.staging.kind == transport::TransportKind::direct) return true;
  const quant8::Encoding& encoding = bucket.codec.encoding();
  const std::span<const std::byte> bytes = lane_.wire_side(done_, shard_.bytes(done_));
  const auto elements = shard_.elements(done_);
  quant8::check_header(bytes, quant8::header_of(encoding, shard_.sequence(done_), elements), sender_,
                       receiver_);
  if (encoding.has_hash) check_hash(bytes, elements);
  return true;
}

// A wrong hash is a fault of transmission: this rank alone would decode other numbers, and replicas differ.
void Receive::check_hash(std::span<const std::byte> bytes, std::int64_t elements) const {
  const BucketContext& bucket = shard_.bucket();
  try {
    quant8::check_hash(bytes, bucket.codec.encoding(), elements, sender_);
  } catch (const base::DataError& error) {
    base::raise<base::DivergenceError>("exchange of step {}, bucket {}, segment {}: {}", bucket.run.step + 1,
                                       bucket.rounding.bucket, done_, error.what());
  }
}

void ReceiveAdd::begin() {
  Receive::begin();
  released_ = 0;
}

bool ReceiveAdd::advance() {
  const bool posted = post();
  if (!has_arrived()) return posted;
  lane_.arrive(done_, shard_.bytes(done_), shard_.bucket().stream);
  ++done_;
  return true;
}

// Nothing is decoded here: the codec reads all contributions of a sum in one pass (ShardSum).
std::span<const std::byte> ReceiveAdd::message(std::int64_t segment) const {
  return lane_.device_side(segment, shard_.bytes(segment));
}

void ReceiveAdd::release(std::int64_t segment) {
  lane_.release(segment, shard_.bucket().stream);
  ++released_;
}

bool ReceiveAdd::is_free(std::int64_t segment) const {
  return segment - released_ < lane_.slots() && lane_.is_idle(segment);
}

ShardSum::ShardSum(const ShardPart& shard, Own own, std::vector<ReceiveAdd*> received)
    : shard_(shard), own_(own), received_(std::move(received)) {
  std::ranges::sort(received_, {}, &ReceiveAdd::peer);
  own_place_ = static_cast<std::size_t>(
      std::ranges::lower_bound(received_, shard.bucket().rank, {}, &ReceiveAdd::peer) - received_.begin());
  contributions_.reserve(received_.size() + 1);
  if (received_.size() + 1 > quant8::kMaxContributions)
    partial_ = {shard.bucket().stream.device(), static_cast<std::size_t>(shard.elements(0))};
}

// A codec takes up to kMaxContributions at once. More are added in groups, each group's sum in fp32 standing
// first in the next: the order of the additions stays that of the ranks.
quant8::Sum ShardSum::segment(std::int64_t segment, float factor) {
  const std::span<const float> own = own_ == Own::input ? shard_.input(segment) : shard_.output(segment);
  contributions_.clear();
  for (const ReceiveAdd* each : received_) contributions_.emplace_back(each->message(segment));
  contributions_.insert(contributions_.begin() + static_cast<std::ptrdiff_t>(own_place_), own);
  const auto elements = static_cast<std::int64_t>(own.size());
  while (contributions_.size() > quant8::kMaxContributions) {
    const auto first = std::span<const quant8::Contribution>(contributions_).first(quant8::kMaxContributions);
    const std::span<float> partial(partial_.data(), own.size());
    shard_.bucket().codec.sum(shard_.bucket().stream, {first, elements, 1}, partial);
    contributions_.erase(contributions_.begin() + 1, contributions_.begin() + quant8::kMaxContributions);
    contributions_.front() = std::span<const float>(partial);
  }
  return {contributions_, elements, factor};
}

void ShardSum::release(std::int64_t segment) {
  for (ReceiveAdd* each : received_) each->release(segment);
}

SumUp::SumUp(const ShardPart& shard, Predecessors before, ShardSum sum)
    : PipelineStage(shard), before_(std::move(before)), sum_(std::move(sum)) {}

bool SumUp::advance() {
  if (done_ == shard_.segments() || !before_.have_done(done_)) return false;
  const BucketContext& bucket = shard_.bucket();
  bucket.timed(engine::kDecodeSpan, [&] {
    bucket.codec.sum(bucket.stream, sum_.segment(done_, bucket.run.factor), shard_.output(done_));
  });
  sum_.release(done_);
  ++done_;
  return true;
}

SendFresh::SendFresh(const ShardPart& shard, Predecessors before, Route route, Content content)
    : PipelineStage(shard),
      before_(std::move(before)),
      route_(route),
      content_(std::move(content)),
      lane_(shard.bucket().staging, largest_message(shard), slots(shard)) {}

void SendFresh::begin() {
  PipelineStage::begin();
  sent_ = 0;
}

// Each call encodes one segment, so that later stages get their turn. It sends all segments that the device
// has finished, so that the wire never waits for the codec.
bool SendFresh::advance() {
  bool moved = false;
  if (done_ < shard_.segments() && done_ - sent_ < lane_.slots() && lane_.is_idle(done_) &&
      before_.have_done(done_)) {
    encode(done_);
    lane_.leave(done_, shard_.bytes(done_), shard_.bucket().stream);
    ++done_;
    moved = true;
  }
  for (; sent_ < done_ && lane_.is_moved(sent_); ++sent_, moved = true)
    shard_.bucket().transport.send(lane_.wire_side(sent_, shard_.bytes(sent_)), route_.peer,
                                   tag(shard_, route_), lane_.under_way(sent_));
  return moved;
}

// Error feedback acts on a rank's own gradients and on the seal. A partial sum has no residual.
void SendFresh::encode(std::int64_t segment) {
  const BucketContext& bucket = shard_.bucket();
  const std::span<std::byte> message = lane_.device_side(segment, shard_.bytes(segment));
  bucket.timed(engine::kEncodeSpan, [&] {
    if (content_.is_contribution) {
      bucket.codec.encode(bucket.stream, shard_.input(segment), shard_.residual(segment),
                          shard_.stamp(segment, quant8::RoundingStage::kContribution, bucket.rank), message);
      return;
    }
    const quant8::Stamp stamp = shard_.stamp(segment, content_.rounding_stage, quant8::RoundingKey::kNoRank);
    const quant8::Sum sum = content_.sum.segment(segment);
    if (content_.keeps_sum) {
      bucket.codec.sum(bucket.stream, sum, shard_.output(segment));
      bucket.codec.encode(bucket.stream, shard_.output(segment), {}, stamp, message);
    } else {
      bucket.codec.encode_sum(bucket.stream, sum, {}, stamp, message);
    }
  });
  content_.sum.release(segment);
}

bool SendFresh::is_over() const {
  return sent_ == shard_.segments() && lane_.is_quiet();
}

base::Wait SendFresh::waits_for() const {
  return wait_to_send(shard_, route_.peer, sent_, lane_.slots(),
                      [&](std::int64_t segment) { return lane_.under_way(segment) > 0; });
}

bool Sealed::has_been_forwarded(std::int64_t segment, const transport::MessageLane& lane) const {
  return std::ranges::all_of(forwards_, [&](const SendSealed* forward) {
    return segment - forward->done() < lane.slots() && forward->has_left_place_of(segment);
  });
}

Seal::Seal(const ShardPart& shard, Predecessors before, ShardSum sum)
    : PipelineStage(shard),
      before_(std::move(before)),
      sum_(std::move(sum)),
      lane_(shard.bucket().staging, largest_message(shard), slots(shard)) {}

// The owner decodes its own sealed bytes, too: its values must be those of every other rank, bit for bit.
bool Seal::advance() {
  if (done_ == shard_.segments() || !lane_.is_idle(done_) || !has_been_forwarded(done_, lane_) ||
      !before_.have_done(done_))
    return false;
  const BucketContext& bucket = shard_.bucket();
  const std::span<std::byte> message = lane_.device_side(done_, shard_.bytes(done_));
  bucket.timed(engine::kEncodeSpan, [&] {
    bucket.codec.encode_sum(bucket.stream, sum_.segment(done_, bucket.run.factor), shard_.residual(done_),
                            shard_.stamp(done_, quant8::RoundingStage::kSeal, quant8::RoundingKey::kNoRank),
                            message);
  });
  sum_.release(done_);
  lane_.leave(done_, message.size(), bucket.stream);
  bucket.timed(engine::kDecodeSpan,
               [&] { bucket.codec.decode(bucket.stream, message, shard_.output(done_)); });
  ++done_;
  return true;
}

ReceiveFinal::ReceiveFinal(const ShardPart& shard, Predecessors before, Route route)
    : Receive(shard, route), before_(std::move(before)) {}

// Decoding overwrites the rank's values, so the stages that read them (its own contribution, its partial
// sums) must have enqueued their reads. Bytes that come earlier wait in their slot.
bool ReceiveFinal::advance() {
  const bool posted = post();
  if (done_ == posted_ || !before_.have_done(done_) || !has_arrived()) return posted;
  const BucketContext& bucket = shard_.bucket();
  const std::span<const std::byte> message = lane_.device_side(done_, shard_.bytes(done_));
  lane_.arrive(done_, message.size(), bucket.stream);
  bucket.timed(engine::kDecodeSpan,
               [&] { bucket.codec.decode(bucket.stream, message, shard_.output(done_)); });
  lane_.release(done_, bucket.stream);
  ++done_;
  return true;
}

bool ReceiveFinal::is_free(std::int64_t segment) const {
  return segment - done_ < lane_.slots() && lane_.is_idle(segment) && has_been_forwarded(segment, lane_);
}

SendSealed::SendSealed(const ShardPart& shard, Route route, Sealed& source)
    : PipelineStage(shard), route_(route), source_(source), under_way_(slots(shard)) {
  source_.add_forward(*this);
}

// Sends straight from the lane of the stage that has the bytes: forwarding copies nothing. The messages are
// counted here and not in the slot, since several peers may be sent the same bytes.
bool SendSealed::advance() {
  transport::MessageLane& lane = source_.lane();
  bool moved = false;
  for (; done_ < source_.sealed() && lane.is_moved(done_); ++done_, moved = true)
    shard_.bucket().transport.send(lane.wire_side(done_, shard_.bytes(done_)), route_.peer,
                                   tag(shard_, route_),
                                   under_way_[static_cast<std::size_t>(done_) % under_way_.size()]);
  return moved;
}

bool SendSealed::is_over() const {
  return PipelineStage::is_over() && std::ranges::count(under_way_, 0) == std::ssize(under_way_);
}

base::Wait SendSealed::waits_for() const {
  return wait_to_send(shard_, route_.peer, done_, std::ssize(under_way_),
                      [&](std::int64_t segment) { return under_way(segment) > 0; });
}

}  // namespace eightfold::comm::executor
