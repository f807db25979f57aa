#include "comm/exchange.hpp"

#include "comm/engine/mpi_operation.hpp"
#include "comm/engine/spans.hpp"
#include "comm/executor/executor.hpp"
#include "comm/schedules/generators.hpp"
#include "comm/selection.hpp"
#include "kernels/base/log.hpp"
#include "kernels/base/parse.hpp"
#include "kernels/pipeline_depth.hpp"
#include "kernels/timeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <utility>

namespace eightfold::comm {
namespace {

// Bytes of a shard that may travel between two ranks at once. Enough to keep a link busy while one end is
// late; more would only cost memory.
constexpr std::size_t kBytesUnderWay = std::size_t{1} << 20;
constexpr std::size_t kFewestUnderWay = 4;

// Buckets take channels in turn, and a channel is part of a message's tag. Buckets that are under way at once
// must differ in it, or one would receive the other's segments.
static_assert(executor::Executor::kChannels >= static_cast<int>(engine::Engine::kUnderWay));

// The codec, streams and transport that the operations of an exchange share.
struct ExchangeResources {
  ExchangeResources(kernels::Device device, const ExchangeOptions& options)
      : codec(quant8::make_codec(device, options.encoding, options.rounding)),
        staging(device, options.transport),
        stream(device) {}

  std::unique_ptr<quant8::Codec> codec;
  transport::Staging staging;
  kernels::Stream stream;  // codecs, and the copies of MPI's operations
  std::unique_ptr<transport::Transport> transport;
  std::optional<kernels::Timeline> timeline;  // of `stream`; belongs to the engine's thread
};

// One submission on its way; reused when its work is over. The worker and the work share it: after a failure
// the engine destroys the work while the exchange may be gone.
struct Submission {
  explicit Submission(kernels::Device device) : completed(device) {}

  // On the engine's thread. More than once has no effect.
  void announce(const kernels::Event* mark) {
    if (is_announced.load()) return;
    summed = mark;
    is_announced.store(true);
    is_announced.notify_all();
  }

  kernels::Event completed;  // the producer is done with the bucket
  // All of the bucket's work is enqueued and `summed` is recorded behind it; or the work is lost, and it is
  // null.
  std::atomic<bool> is_announced = false;
  const kernels::Event* summed = nullptr;
  engine::Engine::Ticket ticket = 0;
  bool has_begun = false;
  base::TimePoint began;
};

// Three parties see a bucket. The worker's stream completes it. The engine moves its operation on. The worker
// waits on the host until the engine has enqueued the last of the bucket's work, and then lets its stream
// wait for the event behind it. So a stream only ever waits for an event that is already recorded: a stream
// that waits for what is not yet enqueued may hold up, in the driver or in a queue of the device that it
// shares, the very work that it waits for.
class BucketExchange final : public Exchange {
 public:
  BucketExchange(engine::Engine& engine, kernels::Device device, std::unique_ptr<ExchangeResources> resources,
                 std::vector<std::unique_ptr<engine::BucketOperation>> operations, base::Observer* observer)
      : engine_(engine),
        observer_(observer),
        resources_(std::move(resources)),
        operations_(std::move(operations)) {
    for (std::size_t i = 0; i < kernels::PipelineDepth::kExchangedSteps * operations_.size(); ++i)
      submissions_.push_back(std::make_shared<Submission>(device));
  }

  // The engine reads and writes submitted buckets: its work ends before their arenas do.
  ~BucketExchange() override {
    try {
      if (submitted_ > 0) engine_.wait(submission(submitted_ - 1)->ticket);
      resources_->stream.view().synchronize();
    } catch (...) {  // the engine or the device has failed; whoever waited for it was told
    }
  }
  BucketExchange(const BucketExchange&) = delete;  // work refers to it
  BucketExchange& operator=(const BucketExchange&) = delete;

  void submit(std::size_t bucket, std::int64_t step, kernels::StreamView producer) override {
    if (engine_.ranks() == 1) return;  // the sum over one rank is in place already
    const std::shared_ptr<Submission>& submission = this->submission(submitted_);
    engine_.wait(submission->ticket);
    submission->completed.record(producer);
    submission->has_begun = false;
    submission->is_announced = false;
    const auto sharing = operations_[bucket]->shares_engine() ? engine::Engine::Sharing::concurrent
                                                              : engine::Engine::Sharing::exclusive;
    engine_.flight_recorder().note(base::FlightEvent::Kind::submit, step, static_cast<std::int64_t>(bucket));
    submission->ticket = engine_.submit(
        [this, work = announced_when_lost(submission), bucket, step](mpi::Communicator& communicator) {
          return advance(*work, bucket, step, communicator);
        },
        sharing, [&operation = *operations_[bucket]] { return operation.waits_for(); });
    ++submitted_;
  }

  bool wait_for_next(kernels::StreamView consumer) override {
    const bool is_any = awaited_ < submitted_;
    if (is_any) {
      const Submission& next = *submission(awaited_++);
      if (!next.is_announced.load()) {
        ++ticket_waits_;
        next.is_announced.wait(false);
      }
      if (next.summed != nullptr) next.summed->wait(consumer);
    }
    engine_.check();
    return is_any;
  }

  std::size_t wire_bytes() const override {
    std::size_t bytes = 0;
    for (const auto& operation : operations_) bytes += operation->wire_bytes();
    return engine_.ranks() == 1 ? 0 : bytes;
  }

  std::uint64_t ticket_waits() const override { return ticket_waits_; }

 private:
  // Work that is destroyed is over, or it failed: then too nobody may wait for it for ever.
  static std::shared_ptr<Submission> announced_when_lost(const std::shared_ptr<Submission>& submission) {
    return {submission.get(), [submission](Submission* lost) { lost->announce(nullptr); }};
  }

  // On the engine's thread.
  engine::Progress advance(Submission& submission, std::size_t bucket, std::int64_t step,
                           mpi::Communicator& communicator) {
    engine::BucketOperation& operation = *operations_[bucket];
    if (!submission.has_begun) {
      if (!submission.completed.is_reached()) return engine::Progress::none;
      submission.has_begun = true;
      submission.began = base::Clock::now();
      engine_.flight_recorder().note(base::FlightEvent::Kind::begin, step, static_cast<std::int64_t>(bucket));
      operation.begin(step);
    }
    const engine::Progress progress = operation.advance(communicator);
    if (operation.summed() != nullptr) submission.announce(operation.summed());
    if (progress == engine::Progress::over) report(submission, bucket, step);
    return progress;
  }

  void report(const Submission& submission, std::size_t bucket, std::int64_t step) {
    engine_.flight_recorder().note(base::FlightEvent::Kind::over, step, static_cast<std::int64_t>(bucket));
    if (observer_ == nullptr) return;
    if (resources_->timeline) resources_->timeline->report();
    observer_->on_span({base::Track::engine, engine::kExchangeSpan, submission.began, base::Clock::now(),
                        static_cast<std::int64_t>(bucket)});
  }

  const std::shared_ptr<Submission>& submission(std::size_t number) const {
    return submissions_[number % submissions_.size()];
  }

  engine::Engine& engine_;
  base::Observer* observer_;
  std::unique_ptr<ExchangeResources> resources_;
  std::vector<std::unique_ptr<engine::BucketOperation>> operations_;  // by bucket
  std::vector<std::shared_ptr<Submission>> submissions_;
  std::size_t submitted_ = 0;  // the first so many were submitted,
  std::size_t awaited_ = 0;    // and so many of them were waited for
  std::uint64_t ticket_waits_ = 0;
};

kernels::Device device_of(std::span<const ExchangeBucket> buckets) {
  const kernels::Device device = buckets.empty() ? kernels::Device{} : buckets.front().values.device();
  for (const ExchangeBucket& bucket : buckets)
    base::require(bucket.values.device() == device, "buckets on {} and {}", to_string(device),
                  to_string(bucket.values.device()));
  return device;
}

// Makes the operations of an exchange, bucket by bucket.
class Planner {
 public:
  Planner(const ExchangeOptions& options, const schedules::Topology& topology,
          const executor::BucketContext& context)
      : options_(options), topology_(topology), context_(context) {}

  std::unique_ptr<engine::BucketOperation> operation(const ExchangeBucket& bucket, std::size_t number) {
    const std::string algorithm = algorithm_for(bucket.values.bytes());
    const quant8::Format format = options_.encoding.format;
    if (algorithm == "mpi") {
      if (format != quant8::Format::fp32)
        base::raise<base::ConfigError>("MPI_Allreduce adds fp32 numbers, not {}; use another algorithm",
                                       to_string(format));
      return std::make_unique<engine::MpiOperation>(bucket.values, context_.stream, topology_.ranks());
    }
    const schedules::Schedule schedule =
        allreduce_generator(algorithm, format).schedule({topology_, context_.rank, bucket.values.elements()});
    executor::BucketContext context = context_;
    context.rounding.bucket = static_cast<std::uint32_t>(number);
    const std::span<float> residual =
        bucket.residual.is_absent() ? std::span<float>{} : bucket.residual.span<float>();
    return std::make_unique<executor::Executor>(
        schedule, context,
        executor::Executor::Bucket{
            bucket.values.span<float>(), residual,
            static_cast<int>(number % static_cast<std::size_t>(executor::Executor::kChannels))});
  }

 private:
  std::string algorithm_for(std::size_t bytes) {
    if (options_.algorithm != "auto") return options_.algorithm;
    Selection selection =
        select_algorithm(options_.encoding.format, bytes, topology_, options_.calibration.get());
    if (context_.rank == 0 && logged_.insert(selection.algorithm + selection.reason).second)
      base::log_info("exchange: auto is {} for buckets of {}: {}", selection.algorithm,
                     base::format_bytes(bytes), selection.reason);
    return std::move(selection.algorithm);
  }

  const ExchangeOptions& options_;
  const schedules::Topology& topology_;
  executor::BucketContext context_;
  std::set<std::string> logged_;
};

}  // namespace

std::size_t default_segment_bytes(kernels::Device device) {
  constexpr std::size_t kKiB = 1024;
  return device.kind == kernels::DeviceKind::host ? 48 * kKiB : 1024 * kKiB;
}

std::unique_ptr<Exchange> make_exchange(engine::Engine& engine, std::vector<ExchangeBucket> buckets,
                                        const ExchangeOptions& options, base::Observer* observer) {
  const kernels::Device device = device_of(buckets);
  auto resources = std::make_unique<ExchangeResources>(device, options);
  if (observer != nullptr) resources->timeline.emplace(resources->stream, *observer, base::Track::engine);
  std::optional<schedules::Topology> topology;
  int rank = 0;
  engine.run([&](mpi::Communicator& communicator) {
    topology = schedules::discover_topology(communicator);
    rank = communicator.rank();
    resources->transport = options.make_transport ? options.make_transport(communicator)
                                                  : transport::make_mpi_transport(communicator);
  });
  const std::size_t segment =
      options.segment_bytes > 0 ? options.segment_bytes : default_segment_bytes(device);
  const executor::BucketContext context{.codec = *resources->codec,
                                        .transport = *resources->transport,
                                        .staging = resources->staging,
                                        .stream = resources->stream,
                                        .timeline = resources->timeline ? &*resources->timeline : nullptr,
                                        .rank = rank,
                                        .segment = executor::segment_elements(*resources->codec, segment),
                                        .window = std::max(kBytesUnderWay / segment, kFewestUnderWay),
                                        .rounding = {.seed = options.seed}};
  Planner planner(options, *topology, context);
  std::vector<std::unique_ptr<engine::BucketOperation>> operations;
  for (std::size_t i = 0; i < buckets.size(); ++i) operations.push_back(planner.operation(buckets[i], i));
  return std::make_unique<BucketExchange>(engine, device, std::move(resources), std::move(operations),
                                          observer);
}

}  // namespace eightfold::comm
