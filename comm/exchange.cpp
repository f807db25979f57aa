#include "comm/exchange.hpp"

#include "comm/engine/spans.hpp"
#include "comm/executor/executor.hpp"
#include "comm/lone_exchange.hpp"
#include "comm/operation_planner.hpp"
#include "comm/schedules/topology.hpp"
#include "kernels/timeline.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>

namespace eightfold::comm {
namespace {

// Bytes of a shard that may travel between two ranks at once. Enough to keep a link busy while one end is
// late; more would only cost memory.
constexpr std::size_t kBytesUnderWay = std::size_t{1} << 20;
constexpr std::size_t kFewestUnderWay = 4;

// Requests take channels in turn, and a channel is part of a message's tag. Requests that are under way at
// once must differ in it, or one would receive the other's segments.
static_assert(executor::Executor::kChannels >= static_cast<int>(engine::Engine::kUnderWay));

bool adds_up(schedules::Collective collective) {
  return collective == schedules::Collective::all_reduce ||
         collective == schedules::Collective::reduce_scatter;
}

// A request's operation, for the requests to come that are like it.
struct Plan {
  std::int64_t elements;
  int root;
  std::unique_ptr<engine::BucketOperation> operation;
  bool is_under_way = false;  // on the engine's thread
};

// One request on its way; used again when its work is over. Whoever waits and the work share it: after a
// failure the engine destroys the work while the exchange may be gone.
struct Submission {
  explicit Submission(kernels::Device device) : completed(device) {}

  // More than once has no effect.
  void announce(const kernels::Event* mark) {
    if (is_announced.load()) return;
    result = mark;
    is_announced.store(true);
    is_announced.notify_all();
  }

  kernels::Event completed;  // the producer is done with the input
  // All of the request's work is enqueued and `result` is recorded behind it; or the work is lost, and it is
  // null.
  std::atomic<bool> is_announced = false;
  const kernels::Event* result = nullptr;
  std::atomic<bool> has_work = false;  // that the engine may still touch
  bool is_awaited = false;
  std::shared_ptr<Plan> plan;
  engine::BucketRun run;
  std::int64_t bucket = 0;
  bool has_begun = false;
  base::TimePoint began;
};

// The codec, streams and transport that the operations of an exchange share.
struct ExchangeResources {
  ExchangeResources(kernels::Device on, mpi::Communicator& among, const ExchangeOptions& options)
      : device(on),
        group(among),
        codec(quant8::make_codec(device, options.encoding, options.rounding)),
        staging(device, options.transport),
        stream(device, kernels::Priority::high) {}

  kernels::Device device;
  mpi::Communicator& group;
  std::unique_ptr<quant8::Codec> codec;
  transport::Staging staging;
  kernels::Stream stream;  // codecs, and the copies of MPI's operations
  std::unique_ptr<transport::Transport> transport;
  std::optional<kernels::Timeline> timeline;  // of `stream`; belongs to the engine's thread
  std::optional<OperationPlanner> planner;
};

// Three parties see a request. The producer's stream completes its input. The engine moves its operation on.
// Whoever waits does so on the host, until the engine has enqueued the last of the request's work, and then
// lets its stream wait for the event behind it. So a stream only ever waits for an event that is already
// recorded: a stream that waits for what is not yet enqueued may hold up, in the driver or in a queue of the
// device that it shares, the very work that it waits for.
class EngineExchange final : public Exchange {
 public:
  EngineExchange(engine::Engine& engine, std::unique_ptr<ExchangeResources> resources,
                 base::Observer* observer)
      : engine_(engine), observer_(observer), resources_(std::move(resources)) {}

  // The engine reads and writes what was submitted: its work ends before their memory does.
  ~EngineExchange() override {
    try {
      engine_.wait(last_);
      resources_->stream.view().synchronize();
    } catch (...) {  // the engine or the device has failed; whoever waited for it was told
    }
  }
  EngineExchange(const EngineExchange&) = delete;  // work refers to it
  EngineExchange& operator=(const EngineExchange&) = delete;

  void plan(const Request& request) override { plan_of(request); }

  Ticket submit(const Request& request, kernels::StreamView producer) override {
    engine_.check();
    const std::shared_ptr<Submission> submission = idle_submission();
    submission->plan = plan_of(request);
    submission->completed.record(producer);
    submission->has_begun = false;
    submission->is_announced = false;
    submission->has_work = true;
    submission->is_awaited = true;
    submission->bucket = static_cast<std::int64_t>(request.bucket);
    submission->run = run_of(request, ++submitted_);
    const engine::BucketOperation& operation = *submission->plan->operation;
    engine_.flight_recorder().note(base::FlightEvent::Kind::submit, request.step, submission->bucket);
    last_ = engine_.submit(
        [this, work = announced_when_lost(submission)](mpi::Communicator&) { return advance(*work); },
        operation.shares_engine() ? engine::Engine::Sharing::concurrent : engine::Engine::Sharing::exclusive,
        [this, &operation] { return wait_in_job(operation.waits_for()); });
    awaited_.emplace(submitted_, submission);
    return submitted_;
  }

  void wait(Ticket ticket, kernels::StreamView consumer) override {
    const auto found = awaited_.find(ticket);
    base::require(found != awaited_.end(), "a wait for request {}, which is over", ticket);
    const std::shared_ptr<Submission> submission = found->second;
    awaited_.erase(found);
    submission->is_awaited = false;
    if (!submission->is_announced.load()) {
      ++ticket_waits_;
      submission->is_announced.wait(false);
    }
    if (submission->result != nullptr) submission->result->wait(consumer);
    engine_.check();
  }

  schedules::Shard shard(std::int64_t elements, int rank) const override {
    std::vector<int> owners(static_cast<std::size_t>(ranks()));
    std::iota(owners.begin(), owners.end(), 0);
    return schedules::even_shards(elements, owners)[static_cast<std::size_t>(rank)];
  }
  std::size_t wire_bytes(const Request& request) override {
    return plan_of(request)->operation->wire_bytes();
  }
  std::uint64_t ticket_waits() const override { return ticket_waits_; }

 private:
  int ranks() const { return resources_->group.size(); }

  // Of a bucket and collective there is one plan, for the size that was asked for last. An earlier one lives
  // as long as its requests.
  std::shared_ptr<Plan> plan_of(const Request& request) {
    check_request(request, resources_->device, ranks());
    std::shared_ptr<Plan>& plan = plans_[{request.bucket, request.collective}];
    if (plan == nullptr || plan->elements != request.input.elements() || plan->root != request.root)
      plan = std::make_shared<Plan>(
          Plan{request.input.elements(), request.root, resources_->planner->operation(request)});
    return plan;
  }

  engine::BucketRun run_of(const Request& request, Ticket ticket) const {
    const bool is_mean = request.reduction == Reduction::mean && adds_up(request.collective);
    return {.step = request.step,
            .channel = static_cast<int>(ticket % static_cast<Ticket>(executor::Executor::kChannels)),
            .input = request.input,
            .output = request.output,
            .residual = request.residual,
            .factor = is_mean ? 1.0F / static_cast<float>(ranks()) : 1.0F};
  }

  // One that nobody waits for, and whose work the engine has destroyed; or another.
  std::shared_ptr<Submission> idle_submission() {
    for (const std::shared_ptr<Submission>& each : submissions_)
      if (!each->is_awaited && !each->has_work.load()) return each;
    return submissions_.emplace_back(std::make_shared<Submission>(resources_->device));
  }

  // Work that is destroyed is over, or it failed: then too nobody may wait for it for ever.
  static std::shared_ptr<Submission> announced_when_lost(const std::shared_ptr<Submission>& submission) {
    return {submission.get(), [submission](Submission* lost) {
              lost->announce(nullptr);
              lost->has_work = false;
            }};
  }

  // On the engine's thread.
  engine::Progress advance(Submission& submission) {
    engine::BucketOperation& operation = *submission.plan->operation;
    if (!submission.has_begun) {
      if (submission.plan->is_under_way || !submission.completed.is_reached()) return engine::Progress::none;
      submission.plan->is_under_way = submission.has_begun = true;
      submission.began = base::Clock::now();
      engine_.flight_recorder().note(base::FlightEvent::Kind::begin, submission.run.step, submission.bucket);
      operation.begin(submission.run);
    }
    const engine::Progress progress = operation.advance(resources_->group);
    if (operation.result() != nullptr) submission.announce(operation.result());
    if (progress == engine::Progress::over) end(submission);
    return progress;
  }

  // Records name a rank by its number in the job.
  base::Wait wait_in_job(base::Wait wait) const {
    if (wait.direction != base::Wait::Direction::none)
      wait.peer = static_cast<std::uint16_t>(resources_->group.rank_in_job(wait.peer));
    return wait;
  }

  void end(const Submission& submission) {
    submission.plan->is_under_way = false;
    engine_.flight_recorder().note(base::FlightEvent::Kind::over, submission.run.step, submission.bucket);
    if (observer_ == nullptr) return;
    if (resources_->timeline) resources_->timeline->report();
    observer_->on_span({base::Track::engine, engine::kExchangeSpan, submission.began, base::Clock::now(),
                        submission.bucket});
  }

  engine::Engine& engine_;
  base::Observer* observer_;
  std::unique_ptr<ExchangeResources> resources_;
  std::map<std::pair<std::size_t, schedules::Collective>, std::shared_ptr<Plan>> plans_;
  std::vector<std::shared_ptr<Submission>> submissions_;
  std::map<Ticket, std::shared_ptr<Submission>> awaited_;
  Ticket submitted_ = 0;
  engine::Engine::Ticket last_ = 0;
  std::uint64_t ticket_waits_ = 0;
};

}  // namespace

std::size_t default_segment_bytes(kernels::Device device) {
  constexpr std::size_t kKiB = 1024;
  return device.kind == kernels::DeviceKind::host ? 48 * kKiB : 1024 * kKiB;
}

std::unique_ptr<Exchange> make_exchange(engine::Engine& engine, mpi::Communicator& group,
                                        kernels::Device device, const ExchangeOptions& options,
                                        base::Observer* observer) {
  check_algorithm(options);
  if (group.size() == 1) return make_lone_exchange(device);
  auto resources = std::make_unique<ExchangeResources>(device, group, options);
  if (observer != nullptr) resources->timeline.emplace(resources->stream, *observer, base::Track::engine);
  std::optional<schedules::Topology> topology;
  engine.run([&](mpi::Communicator&) {
    topology = schedules::discover_topology(group);
    resources->transport =
        options.make_transport ? options.make_transport(group) : transport::make_mpi_transport(group);
  });
  const std::size_t segment =
      options.segment_bytes > 0 ? options.segment_bytes : default_segment_bytes(device);
  const executor::BucketContext context{.codec = *resources->codec,
                                        .transport = *resources->transport,
                                        .staging = resources->staging,
                                        .stream = resources->stream,
                                        .timeline = resources->timeline ? &*resources->timeline : nullptr,
                                        .rank = group.rank(),
                                        .segment = executor::segment_elements(*resources->codec, segment),
                                        .window = std::max(kBytesUnderWay / segment, kFewestUnderWay),
                                        .rounding = {.seed = options.seed}};
  resources->planner.emplace(options, *std::move(topology), context);
  return std::make_unique<EngineExchange>(engine, std::move(resources), observer);
}

std::unique_ptr<Exchange> make_exchange(engine::Engine& engine, kernels::Device device,
                                        const ExchangeOptions& options, base::Observer* observer) {
  return make_exchange(engine, engine.communicator(), device, options, observer);
}

}  // namespace eightfold::comm
