#include "comm/executor/executor.hpp"

#include "comm/executor/stages.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace eightfold::comm::executor {
namespace {

bool is_send_fresh(const schedules::Step& step) {
  return step.action == schedules::Action::send_fresh;
}

struct PlannedStep {
  schedules::Step step;
  std::size_t round;
  std::size_t place;  // in the round, as the schedule has it
};

// The steps of one shard in the order in which a segment passes them. Within a round rule 1 of
// comm/schedules/schedule.hpp orders them: seal, send, receive; a stable sort keeps the schedule's hint.
std::vector<PlannedStep> steps_of(const schedules::Schedule& schedule, int shard) {
  std::vector<PlannedStep> steps;
  for (std::size_t round = 0; round < schedule.rounds.size(); ++round) {
    const auto first = static_cast<std::ptrdiff_t>(steps.size());
    for (std::size_t place = 0; place < schedule.rounds[round].size(); ++place)
      if (const schedules::Step& step = schedule.rounds[round][place]; step.shard == shard)
        steps.push_back({step, round, place});
    std::stable_sort(steps.begin() + first, steps.end(), [](const PlannedStep& a, const PlannedStep& b) {
      return schedules::place_in_round(a.step.action) < schedules::place_in_round(b.step.action);
    });
  }
  return steps;
}

// Whether a sum that step `at` encodes is needed afterwards, by a later encoding or as the result. If it is
// not, the codec sums and encodes in one pass and never writes the sum to memory.
bool is_read_later(std::span<const PlannedStep> steps, std::size_t at) {
  for (const PlannedStep& later : steps.subspan(at + 1)) {
    if (is_send_fresh(later.step) || later.step.action == schedules::Action::seal) return true;
    if (later.step.action == schedules::Action::receive_final) return false;
  }
  return true;
}

// Makes the stages of a shard.
class Pipeline {
 public:
  explicit Pipeline(const ShardPart& shard) : shard_(shard) {}

  // One stage per step, and one for a sum that is left over.
  std::vector<std::unique_ptr<PipelineStage>> take(std::span<const PlannedStep> steps) && {
    for (std::size_t at = 0; at < steps.size(); ++at) add(steps, at);
    if (!received_.empty()) add(std::make_unique<SumUp>(shard_, before(), take_sum()));
    return std::move(stages_);
  }

 private:
  enum class Kind { fresh, sealed };

  void add(std::span<const PlannedStep> steps, std::size_t at) {
    const schedules::Step& step = steps[at].step;
    switch (step.action) {
      case schedules::Action::seal:
        sealed_ = &add(std::make_unique<Seal>(shard_, before(), take_sum()));
        return;
      case schedules::Action::send_fresh: {
        const bool is_contribution = !has_summed_ && received_.empty();
        const bool keeps_sum = is_read_later(steps, at);
        add(std::make_unique<SendFresh>(
            shard_, before(), route(step, Kind::fresh),
            SendFresh::Content{take_sum(), is_contribution,
                               quant8::RoundingStage::partial_sum(steps[at].round), keeps_sum}));
        return;
      }
      case schedules::Action::send_sealed:
        base::require(sealed_ != nullptr, "a schedule {} before it is sealed", to_string(step));
        add(std::make_unique<SendSealed>(shard_, route(step, Kind::sealed), *sealed_));
        return;
      case schedules::Action::receive_add:
        received_.push_back(&add(std::make_unique<ReceiveAdd>(shard_, route(step, Kind::fresh))));
        return;
      case schedules::Action::receive_final:
        sealed_ = &add(std::make_unique<ReceiveFinal>(shard_, before(), route(step, Kind::sealed)));
        return;
    }
  }

  template <class Kind>
  Kind& add(std::unique_ptr<Kind> stage) {
    Kind& added = *stage;
    stages_.push_back(std::move(stage));
    return added;
  }

  // All stages so far but SendSealed, which reads the sealed bytes and not the values.
  Predecessors before() const {
    std::vector<const PipelineStage*> stages;
    for (const auto& stage : stages_)
      if (dynamic_cast<const SendSealed*>(stage.get()) == nullptr) stages.push_back(stage.get());
    return Predecessors(std::move(stages));
  }
  // Where the rank's own values stand: in the input, until a sum has been written to the output.
  ShardSum take_sum() {
    const auto own = has_summed_ ? ShardSum::Own::output : ShardSum::Own::input;
    has_summed_ = has_summed_ || !received_.empty();
    return {shard_, own, std::exchange(received_, {})};
  }
  Route route(const schedules::Step& step, Kind kind) const {
    return {step.peer, 2 * step.shard + (kind == Kind::sealed ? 1 : 0)};
  }

  const ShardPart& shard_;
  std::vector<std::unique_ptr<PipelineStage>> stages_;
  std::vector<ReceiveAdd*> received_;  // since the last sum
  bool has_summed_ = false;            // the rank's values are a sum, and stand in the output
  Sealed* sealed_ = nullptr;
};

// Later rounds go first: finishing a segment frees slots here and lets the peers go on, starting another only
// fills them. Within a round the schedule's order counts.
struct PlacedStage {
  std::unique_ptr<PipelineStage> stage;
  std::pair<std::int64_t, std::size_t> priority;
};

PlacedStage placed(std::unique_ptr<PipelineStage> stage, const PlannedStep* step) {
  constexpr auto kEnd = std::numeric_limits<std::int64_t>::min();
  if (step == nullptr) return {std::move(stage), {kEnd, 0}};
  return {std::move(stage), {-static_cast<std::int64_t>(step->round), step->place}};
}

}  // namespace

Executor::Executor(const schedules::Schedule& schedule, const BucketContext& context)
    : context_(context),
      wire_bytes_(schedules::bytes_sent(
          schedule,
          [&](std::int64_t elements) { return segmented_bytes(context.codec, context.segment, elements); })),
      result_(context.stream.device()) {
  std::vector<PlacedStage> stages;
  for (std::size_t i = 0; i < schedule.shards.size(); ++i) {
    const schedules::Shard& shard = schedule.shards[i];
    const std::vector<PlannedStep> steps = steps_of(schedule, static_cast<int>(i));
    if (steps.empty()) continue;
    shards_.push_back(std::make_unique<ShardPart>(context_, shard.offset, shard.count));
    auto made = Pipeline(*shards_.back()).take(steps);
    for (std::size_t at = 0; at < made.size(); ++at)
      stages.push_back(placed(std::move(made[at]), at < steps.size() ? &steps[at] : nullptr));
  }
  std::ranges::sort(stages, {}, &PlacedStage::priority);
  for (PlacedStage& stage : stages) stages_.push_back(std::move(stage.stage));
}

Executor::~Executor() = default;

void Executor::begin(const engine::BucketRun& run) {
  base::require(run.channel >= 0 && run.channel < kChannels, "channel {}", run.channel);
  context_.run = run;
  is_enqueued_ = false;
  for (const auto& shard : shards_) shard->begin();
  for (const auto& stage : stages_) stage->begin();
}

// Polls the transport once, then offers every stage one turn. Nothing here waits: the engine moves other
// buckets on meanwhile, and sleeps only if none has moved. The bucket is over when the device has passed the
// event behind its last codec call.
engine::Progress Executor::advance() {
  if (is_enqueued_) return result_.is_reached() ? engine::Progress::over : engine::Progress::none;
  context_.transport.poll();
  bool moved = false;
  for (const auto& stage : stages_) moved |= stage->advance();
  if (!std::ranges::all_of(stages_, &PipelineStage::is_over))
    return moved ? engine::Progress::some : engine::Progress::none;
  result_.record(context_.stream);
  is_enqueued_ = true;
  return result_.is_reached() ? engine::Progress::over : engine::Progress::some;
}

// A missing message names the culprit; an unsent one may only be a consequence, so receives are reported
// first. Of several the earliest round's, which stands last, since the later ones wait for it.
base::Wait Executor::waits_for() const {
  for (const auto direction : {base::Wait::Direction::receive, base::Wait::Direction::send})
    for (auto stage = stages_.rbegin(); stage != stages_.rend(); ++stage)
      if (const base::Wait wait = (*stage)->waits_for(); wait.direction == direction) return wait;
  return {};
}

engine::Progress Executor::advance(mpi::Communicator&) {
  return advance();
}

// A search, because wire sizes grow with the blocks by a formula of each format's own.
std::int64_t segment_elements(const quant8::Codec& codec, std::size_t wire_bytes) {
  std::int64_t blocks = 1;
  const auto fits = [&](std::int64_t count) {
    return codec.wire_bytes(count * quant8::kBlock) <= wire_bytes;
  };
  while (fits(2 * blocks)) blocks *= 2;
  for (std::int64_t step = blocks / 2; step > 0; step /= 2)
    if (fits(blocks + step)) blocks += step;
  return blocks * quant8::kBlock;
}

std::size_t segmented_bytes(const quant8::Codec& codec, std::int64_t segment, std::int64_t elements) {
  const std::int64_t rest = elements % segment;
  const auto whole = static_cast<std::size_t>(elements / segment);
  return whole * codec.wire_bytes(segment) + (rest > 0 ? codec.wire_bytes(rest) : 0);
}

}  // namespace eightfold::comm::executor
