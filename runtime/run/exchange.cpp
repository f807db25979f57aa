#include "runtime/run/exchange.hpp"

#include "comm/transport/direct_probe.hpp"
#include "kernels/base/counted.hpp"
#include "kernels/base/error.hpp"
#include "kernels/base/log.hpp"
#include "runtime/config/names.hpp"

#include <string>
#include <utility>
#include <vector>

namespace eightfold::runtime::run {
namespace {

// Chooses the memory that MPI gets, with the reason. Every rank calls it.
comm::transport::TransportVerdict choose_transport(const config::Exchange& exchange, kernels::Device device,
                                                   comm::engine::Engine& engine) {
  const config::Transport wanted = exchange.transport;
  if (wanted == config::Transport::staged) return {comm::transport::TransportKind::staged, "the job says so"};
  if (wanted == config::Transport::direct)
    return {comm::transport::TransportKind::direct,
            "the job says so, " + comm::transport::cuda_claim().evidence};
  if (device.kind == kernels::DeviceKind::host)
    return {comm::transport::TransportKind::staged, "gradients are in the host's memory"};
  if (exchange.algorithm == config::kMpiAlgorithm)
    return {comm::transport::TransportKind::staged, "MPI_Allreduce gets the host's memory"};
  comm::transport::TransportVerdict verdict;
  comm::transport::DirectProbe probe;
  probe.way_out = "--set exchange.transport=staged does without";
  engine.run([&](comm::mpi::Communicator& communicator) {
    verdict = comm::transport::probe_direct(communicator, device, probe);
  });
  comm::transport::leave_pending(verdict);
  return verdict;
}

comm::ExchangeOptions options_of(const config::JobConfig& job) {
  const config::Exchange& wanted = job.exchange;
  comm::ExchangeOptions options;
  options.encoding = {wanted.codec, wanted.scaling, wanted.verify_checksums};
  options.rounding = wanted.rounding;
  options.seed = job.job.seed;
  options.algorithm = wanted.algorithm;
  options.segment_bytes = wanted.segment;
  return options;
}

// A GPU encodes without a hash, and the host cannot read a direct message. A check that finds no error would
// only give false confidence.
void require_checkable(const config::Exchange& exchange, kernels::Device device) {
  if (exchange.verify_checksums && device.kind != kernels::DeviceKind::host)
    base::raise<base::ConfigError>(
        "exchange.verify_checksums: messages of a GPU ({}) carry no hash; leave it out, or set "
        "job.device=host; "
        "exchange.replica_check finds weights that differ on any device",
        to_string(device));
}

kernels::Tensor part_of(kernels::Tensor arena, const model::ArenaSpan& bucket) {
  return arena.is_absent() ? arena : arena.rows(bucket.begin, bucket.end - bucket.begin);
}

}  // namespace

std::vector<kernels::Tensor> parts_of(kernels::Tensor arena, std::span<const model::ArenaSpan> buckets) {
  std::vector<kernels::Tensor> parts;
  for (const model::ArenaSpan& bucket : buckets) parts.push_back(part_of(arena, bucket));
  return parts;
}

std::unique_ptr<comm::GradientExchange> make_exchange(Session& session, comm::engine::Engine& engine,
                                                      base::Observer& observer) {
  std::vector<comm::ExchangeBucket> buckets;
  for (const model::ArenaSpan& bucket : session.buckets())
    buckets.push_back({part_of(session.model().gradients(), bucket), part_of(session.residual(), bucket)});
  comm::ExchangeOptions options = options_of(session.config());
  if (session.place().ranks > 1) {
    const kernels::Device device = session.place().device;
    require_checkable(session.config().exchange, device);
    const comm::transport::TransportVerdict verdict =
        choose_transport(session.config().exchange, device, engine);
    base::log_info("exchange: transport {}: {}", to_string(verdict.kind), verdict.reason);
    options.transport = verdict.kind;
  }
  if (const std::string& file = session.config().exchange.calibration; !file.empty())
    engine.run([&](comm::mpi::Communicator& communicator) {
      options.calibration = std::make_shared<const comm::measure::Calibration>(
          comm::measure::share_calibration(communicator, file));
    });
  return comm::make_gradient_exchange(engine, std::move(buckets), options, &observer);
}

void log_exchange(const Session& session, const comm::GradientExchange& exchange) {
  if (session.place().ranks == 1) {
    base::log_info("exchange: none, one rank alone has all gradients");
    return;
  }
  const config::Exchange& wanted = session.config().exchange;
  const std::int64_t elements = session.model().gradients().elements();
  const comm::ExchangeOptions options = options_of(session.config());
  const double ratio = static_cast<double>(elements) * sizeof(float) /
                       static_cast<double>(quant8::wire_bytes(options.encoding, elements));
  base::log_info("exchange: {} in {}, error feedback {}, {}", options.algorithm, to_string(wanted.codec),
                 session.residual().is_absent() ? "off" : "on",
                 base::counted(session.buckets().size(), "bucket"));
  base::log_info("exchange: rank 0 sends {} bytes a step; {} takes {:.2f} times fewer than fp32",
                 exchange.wire_bytes(), to_string(wanted.codec), ratio);
}

}  // namespace eightfold::runtime::run
