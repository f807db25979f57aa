#include "comm/transport/direct_probe.hpp"

#include "comm/transport/probe_rings.hpp"
#include "kernels/base/clock.hpp"
#include "kernels/base/crash_message.hpp"
#include "kernels/base/hash.hpp"
#include "kernels/base/log.hpp"
#include "kernels/base/parse.hpp"
#include "kernels/buffer.hpp"

#include <fmt/ranges.h>
#include <mpi.h>
#if __has_include(<mpi-ext.h>)
#include <mpi-ext.h>
#endif

#include <algorithm>
#include <array>
#include <optional>
#include <thread>
#include <utility>

namespace eightfold::comm::transport {
namespace {

using Bytes = kernels::Buffer<std::uint8_t>;
using HostBytes = kernels::PinnedBuffer<std::uint8_t>;

// One that travels with its envelope, one that is announced first and then fetched, by way of another path.
constexpr std::array<std::size_t, 2> kSizes{1000, std::size_t{8} << 20};

// Random bits by sender, trial and place (the finalizer of SplitMix64), so that no part of a message is like
// another: bytes from any other place show.
std::uint8_t pattern(int sender, std::size_t trial, std::size_t i) {
  std::uint64_t bits = i + (std::uint64_t{trial} << 32) + (static_cast<std::uint64_t>(sender) << 40);
  bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
  bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
  return static_cast<std::uint8_t>(bits >> 56);
}

// A message to the next rank of a ring and one from the previous, and the memory that they live in.
struct Trial {
  Trial(kernels::Device device, std::size_t size, std::size_t index)
      : bytes(size),
        tag(static_cast<int>(index)),
        sent(device, size),
        received(device, size),
        host(device, size) {}

  std::size_t bytes;
  int tag;
  Bytes sent, received;
  HostBytes host;
  int under_way = 0;
};

void upload(const kernels::Stream& stream, Trial& trial, const Bytes& to, auto&& value_of) {
  for (std::size_t i = 0; i < trial.bytes; ++i) trial.host.data()[i] = value_of(i);
  copy(stream, trial.host.tensor({static_cast<std::int64_t>(trial.bytes)}), to.tensor());
  stream.view().synchronize();
}

// Findings by how well they explain the fault: a missing message may be only the consequence of another
// rank's fault.
enum class Finding : std::uint64_t { nothing, silence, fault };
struct Outcome {
  Finding finding = Finding::nothing;
  std::string text;
};

// The receiver's memory begins as the complement of what is expected: a byte that nobody has written is
// wrong.
Outcome exchange(Transport& transport, const kernels::Stream& stream, int rank, const RingPlace& place,
                 Trial& trial, std::chrono::milliseconds timeout) {
  const auto index = static_cast<std::size_t>(trial.tag);
  const auto expected = [&](std::size_t i) { return pattern(place.previous, index, i); };
  upload(stream, trial, trial.sent, [&](std::size_t i) { return pattern(rank, index, i); });
  upload(stream, trial, trial.received,
         [&](std::size_t i) { return static_cast<std::uint8_t>(~expected(i)); });
  const auto memory = [&](const Bytes& buffer) {
    return std::span(reinterpret_cast<std::byte*>(buffer.data()), trial.bytes);
  };
  transport.receive(memory(trial.received), place.previous, trial.tag, trial.under_way);
  transport.send(memory(trial.sent), place.next, trial.tag, trial.under_way);
  const base::TimePoint deadline = base::Clock::now() + timeout;
  for (transport.poll(); trial.under_way > 0; transport.poll()) {
    if (base::Clock::now() > deadline)
      return {Finding::silence, fmt::format("no answer between ranks {} and {} within {} ms", place.previous,
                                            rank, timeout.count())};
    std::this_thread::yield();
  }
  copy(stream, trial.received.tensor(), trial.host.tensor({static_cast<std::int64_t>(trial.bytes)}));
  stream.view().synchronize();
  for (std::size_t i = 0; i < trial.bytes; ++i)
    if (trial.host.data()[i] != expected(i))
      return {Finding::fault,
              fmt::format("wrong bytes from rank {} to rank {}, from byte {} on", place.previous, rank, i)};
  return {};
}

// The text of the finding that explains most, of the lowest rank that has it; empty if there is none.
// Collective.
std::string agree(mpi::Communicator& communicator, Outcome outcome) {
  const std::vector<std::uint64_t> found =
      communicator.all_gather(static_cast<std::uint64_t>(outcome.finding));
  const auto worst = std::ranges::max_element(found);  // the first of them
  if (*worst == static_cast<std::uint64_t>(Finding::nothing)) return {};
  communicator.broadcast_text(outcome.text, static_cast<int>(worst - found.begin()));
  return outcome.text;
}

// All probes of one job.
class Prober {
 public:
  Prober(mpi::Communicator& communicator, kernels::Device device, const DirectProbe& probe)
      : communicator_(communicator), device_(device), probe_(probe) {
    mpi::run_agreed(communicator, [&] {
      stream_.emplace(device);
      gpu_ = base::hash64(std::span<const char>(kernels::pci_address(device)));
    });
    transport_ =
        probe.make_transport ? probe.make_transport(communicator) : make_separate_mpi_transport(communicator);
  }

  // The first fault, the same on every rank. Collective.
  std::string run() {
    // The first failure decides for the job. In what state it leaves the library is unknown, so nothing more
    // is tried.
    std::size_t index = 0;
    for (const ProbeRings& rings :
         probe_rings(schedules::discover_topology(communicator_), communicator_.all_gather(gpu_))) {
      links_.emplace_back(rings.link);
      for (const std::size_t bytes : kSizes)
        if (std::string trouble = agree(communicator_, attempt(rings, bytes, index++)); !trouble.empty())
          return fmt::format("{}, {}: {}", rings.link, base::format_bytes(bytes), trouble);
    }
    return {};
  }
  // The probed kinds of pairs: "the same GPU, other nodes".
  std::string links() const {
    return links_.empty() ? "none, there is nobody to send to" : fmt::format("{}", fmt::join(links_, ", "));
  }
  bool has_pending() const { return !pending_.empty(); }

 private:
  Outcome attempt(const ProbeRings& rings, std::size_t bytes, std::size_t index) {
    const std::optional<RingPlace> place = rings.place_of(communicator_.rank());
    if (!place) return {};
    base::log_debug("transport: probing direct, {}, {}", rings.link, base::format_bytes(bytes));
    std::unique_ptr<Trial> trial;
    Outcome outcome;
    {
      const base::CrashMessage message(
          fmt::format("MPI crashed when it was to send GPU memory (probe of the transport direct: {}, {}, to "
                      "rank {}); {}",
                      rings.link, base::format_bytes(bytes), place->next, probe_.way_out));
      // The other ranks come to agree() in any case, and would wait there for this one.
      try {
        trial = std::make_unique<Trial>(device_, bytes, index);
        outcome = exchange(*transport_, *stream_, communicator_.rank(), *place, *trial, probe_.timeout);
      } catch (const std::exception& error) {
        outcome = {Finding::fault, base::describe(error)};
      }
    }
    if (trial && trial->under_way > 0) pending_.push_back(std::move(trial));
    return outcome;
  }

  mpi::Communicator& communicator_;
  kernels::Device device_;
  const DirectProbe& probe_;
  std::optional<kernels::Stream> stream_;  // empty only while it is constructed, which may fail on one rank
  std::uint64_t gpu_ = 0;                  // the same on ranks that share one
  std::unique_ptr<Transport> transport_;
  std::vector<std::string> links_;
  std::vector<std::unique_ptr<Trial>> pending_;  // whose messages stayed out
};

}  // namespace

CudaClaim cuda_claim() {
#if defined(MPIX_CUDA_AWARE_SUPPORT)
  const bool is_made = MPIX_Query_cuda_support() == 1;
  return {is_made, fmt::format("MPIX_Query_cuda_support() = {}", is_made ? 1 : 0)};
#else
  return {false, "this MPI library has no MPIX_Query_cuda_support()"};
#endif
}

void leave_pending(TransportVerdict& verdict) {
  // Nothing releases this: destructors of static objects may run before MPI has let go.
  if (verdict.pending != nullptr) static_cast<void>(new std::shared_ptr<void>(std::move(verdict.pending)));
}

TransportVerdict probe_direct(mpi::Communicator& communicator, kernels::Device device,
                              const DirectProbe& probe) {
  // A library that claims nothing may crash at the first such pointer: without the claim of all ranks it gets
  // none.
  const std::string unclaimed =
      agree(communicator, probe.claim.is_made ? Outcome{} : Outcome{Finding::fault, probe.claim.evidence});
  if (!unclaimed.empty())
    return {TransportKind::staged, "MPI does not claim to know GPU memory: " + unclaimed};
  const auto prober = std::make_shared<Prober>(communicator, device, probe);
  const std::string trouble = prober->run();
  if (!trouble.empty())
    return {TransportKind::staged,
            fmt::format("MPI claims to know GPU memory ({}) but failed a probe: {}", probe.claim.evidence,
                        trouble),
            prober->has_pending() ? prober : nullptr};
  return {TransportKind::direct, fmt::format("MPI claims to know GPU memory ({}) and passed every probe: {}",
                                             probe.claim.evidence, prober->links())};
}

}  // namespace eightfold::comm::transport
