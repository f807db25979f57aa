#include "comm/baseline/gloo_baseline.hpp"

#include "kernels/base/error.hpp"

#include <gloo/allreduce.h>
#include <gloo/allreduce_halving_doubling.h>
#include <gloo/context.h>
#include <gloo/math.h>
#include <gloo/transport/address.h>
#include <gloo/transport/tcp/device.h>
#include <ifaddrs.h>
#include <net/if.h>

#include <chrono>
#include <cstdlib>
#include <limits>
#include <vector>

namespace eightfold::comm::baseline {
namespace {

constexpr std::chrono::minutes kTimeout(2);

// The first interface with an IPv4 address that other machines can know; empty if there is none.
std::string first_interface() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, ::freeifaddrs);
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    const bool is_up = (each->ifa_flags & IFF_UP) != 0 && (each->ifa_flags & IFF_LOOPBACK) == 0;
    if (is_up && each->ifa_addr != nullptr && each->ifa_addr->sa_family == AF_INET) return each->ifa_name;
  }
  return {};
}

// Gloo listens on the interface that GLOO_SOCKET_IFNAME names, as for PyTorch. Without it: on loopback on one
// node, on the first other interface on several.
std::shared_ptr<gloo::transport::Device> make_device(const mpi::Communicator& communicator) {
  gloo::transport::tcp::attr attributes;
  if (const char* chosen = std::getenv("GLOO_SOCKET_IFNAME"); chosen != nullptr)
    attributes.iface = chosen;
  else if (communicator.node_count() > 1)
    attributes.iface = first_interface();
  if (attributes.iface.empty()) attributes.hostname = "127.0.0.1";
  return gloo::transport::tcp::CreateDevice(attributes);
}

// A connection between every two ranks. Each rank listens once for every peer, MPI broadcasts the addresses,
// and every two ranks connect.
class Mesh final : public gloo::Context {
 public:
  explicit Mesh(mpi::Communicator& communicator) : gloo::Context(communicator.rank(), communicator.size()) {
    device_ = make_device(communicator);
    transportContext_ = device_->createContext(rank, size);
    transportContext_->setTimeout(kTimeout);
    std::string own;  // the addresses at which the others find this rank, by their rank
    for (int peer = 0; peer < size; ++peer) {
      if (peer == rank) continue;
      const std::vector<char> address = transportContext_->createPair(peer)->address().bytes();
      own.append(address.begin(), address.end());
    }
    std::vector<std::string> all(static_cast<std::size_t>(size));
    for (int peer = 0; peer < size; ++peer) {
      std::string& text = all[static_cast<std::size_t>(peer)];
      if (peer == rank) text = own;
      communicator.broadcast_text(text, peer);
    }
    for (int peer = 0; peer < size; ++peer)
      if (peer != rank)
        transportContext_->getPair(peer)->connect(own_place_in(all[static_cast<std::size_t>(peer)], peer));
    setTimeout(kTimeout);
  }

 private:
  // The address for this rank among those of a peer; a peer's list leaves out the peer itself.
  std::vector<char> own_place_in(const std::string& addresses, int peer) const {
    const std::size_t length = addresses.size() / static_cast<std::size_t>(size - 1);
    const std::size_t place = static_cast<std::size_t>(rank < peer ? rank : rank - 1) * length;
    return {addresses.begin() + static_cast<std::ptrdiff_t>(place),
            addresses.begin() + static_cast<std::ptrdiff_t>(place + length)};
  }
};

// Turns gloo's exceptions into a type of this program, which alone its callers handle.
template <class Call>
auto calling_gloo(const Call& call) {
  try {
    return call();
  } catch (const base::Error&) {
    throw;
  } catch (const std::exception& failure) {
    base::raise<base::EnvironmentError>("gloo failed: {}", failure.what());
  }
}

class GlooRing final : public Baseline {
 public:
  GlooRing(std::shared_ptr<gloo::Context> context, std::span<float> values)
      : context_(std::move(context)), values_(values) {}

  void allreduce() override {
    calling_gloo([&] {
      using Sum = void (*)(void*, const void*, const void*, std::size_t);
      gloo::AllreduceOptions options(context_);
      options.setAlgorithm(gloo::AllreduceOptions::Algorithm::RING);
      options.setOutput(values_.data(), values_.size());
      options.setReduceFunction(static_cast<Sum>(&gloo::sum<float>));
      gloo::allreduce(options);
    });
  }

 private:
  std::shared_ptr<gloo::Context> context_;
  std::span<float> values_;
};

class GlooHalvingDoubling final : public Baseline {
 public:
  GlooHalvingDoubling(const std::shared_ptr<gloo::Context>& context, std::span<float> values)
      : algorithm_(std::make_unique<gloo::AllreduceHalvingDoubling<float>>(
            context, std::vector<float*>{values.data()}, static_cast<int>(values.size()))) {}

  void allreduce() override {
    calling_gloo([&] { algorithm_->run(); });
  }

 private:
  std::unique_ptr<gloo::Algorithm> algorithm_;  // its destructor may throw, which a pointer does not pass on
};

// The sum over one rank, and of nothing, is there already; gloo has no connections then.
class Nothing final : public Baseline {
 public:
  void allreduce() override {}
};

}  // namespace

std::string gloo_unsupported_reason() {
  return {};
}

std::unique_ptr<Baseline> make_gloo_baseline(GlooAlgorithm algorithm, mpi::Communicator& communicator,
                                             std::span<float> values) {
  if (communicator.size() == 1 || values.empty()) return std::make_unique<Nothing>();
  if (values.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    base::raise<base::ConfigError>("gloo counts up to 2^31 elements, not {}", values.size());
  return calling_gloo([&]() -> std::unique_ptr<Baseline> {
    const auto context = std::make_shared<Mesh>(communicator);
    if (algorithm == GlooAlgorithm::ring) return std::make_unique<GlooRing>(context, values);
    return std::make_unique<GlooHalvingDoubling>(context, values);
  });
}

}  // namespace eightfold::comm::baseline
