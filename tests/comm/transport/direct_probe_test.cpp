// The proof that an MPI library has to give before it gets GPU memory, with libraries that pass and fail it.
#include "comm/transport/direct_probe.hpp"

#include "kernels/buffer.hpp"
#include "tests/support/child.hpp"
#include "tests/support/ranks.hpp"
#include "tests/support/test.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <list>
#include <optional>
#include <set>

using namespace eightfold;
using test::world;

namespace {

const kernels::Device kGpu{kernels::DeviceKind::cuda, 0};

enum class Fault { none, wrong_bytes, silence, error, no_memory };

// While it lives, this process gets no more than another two MiB of address space.
class MemoryLimit {
 public:
  MemoryLimit() {
    ::getrlimit(RLIMIT_AS, &before_);
    rlim_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlimit limited{pages * static_cast<rlim_t>(::getpagesize()) + (2 << 20), before_.rlim_max};
    ::setrlimit(RLIMIT_AS, &limited);
  }
  ~MemoryLimit() { ::setrlimit(RLIMIT_AS, &before_); }
  MemoryLimit(const MemoryLimit&) = delete;  // it is a scope
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  rlimit before_{};
};

// A library that knows GPU memory: its messages go through the host, by way of one that does not.
class GpuAwareTransport final : public comm::transport::Transport {
 public:
  using Sent = std::vector<std::vector<std::uint8_t>>;
  // `sent`: gets every message that is sent, or null.
  GpuAwareTransport(comm::mpi::Communicator& communicator, Fault fault, Sent* sent = nullptr)
      : transport_(comm::transport::make_separate_mpi_transport(communicator)),
        fault_(communicator.rank() == communicator.size() - 1 ? fault : Fault::none),
        sent_(sent),
        stream_(kGpu) {}

  void send(std::span<const std::byte> bytes, int peer, int tag, int& under_way) override {
    if (fault_ == Fault::error) base::raise<base::EnvironmentError>("the library gave up");
    if (fault_ == Fault::no_memory) limit_.emplace();
    Message& message = add(bytes.size(), under_way);
    kernels::copy(stream_, device(const_cast<std::byte*>(bytes.data()), bytes.size()), host(message));
    stream_.view().synchronize();
    if (sent_ != nullptr) sent_->push_back(message.bytes);
    if (fault_ == Fault::silence) {
      ++message.inner;  // for ever
      return;
    }
    if (fault_ == Fault::wrong_bytes) message.bytes.at(message.bytes.size() / 2) ^= 1;
    transport_->send(std::as_bytes(std::span(message.bytes)), peer, tag, message.inner);
  }
  void receive(std::span<std::byte> bytes, int peer, int tag, int& under_way) override {
    Message& message = add(bytes.size(), under_way);
    message.target = bytes.data();
    transport_->receive(std::as_writable_bytes(std::span(message.bytes)), peer, tag, message.inner);
  }
  void poll() override {
    transport_->poll();
    for (Message& message : messages_) {
      if (message.inner > 0 || message.outer == nullptr) continue;
      if (message.target != nullptr) {
        kernels::copy(stream_, host(message), device(message.target, message.bytes.size()));
        stream_.view().synchronize();
      }
      --*std::exchange(message.outer, nullptr);
    }
  }

 private:
  struct Message {
    std::vector<std::uint8_t> bytes;
    int* outer;                   // null: told
    std::byte* target = nullptr;  // of a message to be received
    int inner = 0;
  };

  Message& add(std::size_t bytes, int& under_way) {
    ++under_way;
    return messages_.emplace_back(Message{std::vector<std::uint8_t>(bytes), &under_way});
  }
  static kernels::Tensor device(std::byte* data, std::size_t bytes) {
    return {data, {static_cast<std::int64_t>(bytes)}, kernels::kDTypeOf<std::uint8_t>, kGpu};
  }
  static kernels::Tensor host(Message& message) {
    return kernels::host_tensor(std::span(message.bytes), {static_cast<std::int64_t>(message.bytes.size())});
  }

  std::unique_ptr<comm::transport::Transport> transport_;
  Fault fault_;
  Sent* sent_;
  kernels::Stream stream_;
  std::list<Message> messages_;
  std::optional<MemoryLimit> limit_;
};

comm::transport::TransportVerdict verdict_on(Fault fault) {
  comm::transport::DirectProbe probe;
  probe.claim = {true, "it says so"};
  const bool has_lost_messages = fault != Fault::none && fault != Fault::wrong_bytes;
  probe.timeout = std::chrono::milliseconds(has_lost_messages ? 500 : 30'000);
  probe.make_transport = [&](comm::mpi::Communicator& communicator) {
    return std::make_unique<GpuAwareTransport>(communicator, fault);
  };
  return probe_direct(world(), kGpu, probe);
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The same on all ranks, and about the link that has the fault.
bool is_failure(const comm::transport::TransportVerdict& verdict, const std::string& reason) {
  return verdict.kind == comm::transport::TransportKind::staged &&
         holds(verdict.reason,
               "MPI claims to know GPU memory (it says so) but failed a probe: the same GPU") &&
         holds(verdict.reason, reason);
}

// Dies in its first message, as the library would: in a child, which sends its crash message to this process.
class CrashingTransport final : public comm::transport::Transport {
 public:
  explicit CrashingTransport(std::string& said) : said_(said) {}

  void send(std::span<const std::byte>, int, int, int&) override {
    said_ = test::end_of_child([] { std::abort(); }).said;
  }
  void receive(std::span<std::byte>, int, int, int&) override {}
  void poll() override {}

 private:
  std::string& said_;
};

}  // namespace

TEST_CASE("what a library does not claim is not tried") {
  comm::transport::DirectProbe probe;
  probe.claim = {world().rank() != 0, "rank 0 has another library"};
  bool is_tried = false;
  probe.make_transport = [&](comm::mpi::Communicator& communicator) {
    is_tried = true;
    return comm::transport::make_separate_mpi_transport(communicator);
  };
  const comm::transport::TransportVerdict verdict = probe_direct(world(), kGpu, probe);
  CHECK_ALL_RANKS(verdict.kind == comm::transport::TransportKind::staged && !is_tried);
  CHECK_ALL_RANKS(verdict.reason == "MPI does not claim to know GPU memory: rank 0 has another library");
}

TEST_CASE("a library that sends GPU memory unharmed gets it") {
  const comm::transport::TransportVerdict verdict = verdict_on(Fault::none);
  CAPTURE(verdict.reason);
  CHECK_ALL_RANKS(verdict.kind == comm::transport::TransportKind::direct);
  CHECK_ALL_RANKS(
      verdict.reason.starts_with("MPI claims to know GPU memory (it says so) and passed every probe: "));
}

TEST_CASE("a library that sends wrong bytes, answers never or fails does not get GPU memory") {
  if (world().size() == 1) return;  // nobody to send to
  const int last = world().size() - 1;
  const auto wrong = verdict_on(Fault::wrong_bytes), silent = verdict_on(Fault::silence),
             failing = verdict_on(Fault::error);
  CAPTURE(wrong.reason, silent.reason, failing.reason);
  CHECK_ALL_RANKS(
      is_failure(wrong, fmt::format("1000B: wrong bytes from rank {} to rank 0, from byte 500 on", last)));
  CHECK_ALL_RANKS(is_failure(silent, fmt::format("no answer between ranks {} and 0 within 500 ms", last)));
  CHECK_ALL_RANKS(is_failure(failing, "the library gave up"));
  CHECK_ALL_RANKS(verdict_on(Fault::none).kind ==
                  comm::transport::TransportKind::direct);  // nothing is left behind
}

TEST_CASE("no part of a message of the probe is like another, so that none may take its place") {
  if (world().size() == 1) return;  // nobody to send to
  GpuAwareTransport::Sent sent;
  comm::transport::DirectProbe probe;
  probe.claim = {true, "it says so"};
  probe.make_transport = [&](comm::mpi::Communicator& communicator) {
    return std::make_unique<GpuAwareTransport>(communicator, Fault::none, &sent);
  };
  probe_direct(world(), kGpu, probe);
  std::size_t largest = 0, parts = 0;
  std::set<std::string> different;
  for (const std::vector<std::uint8_t>& message : sent) {
    largest = std::max(largest, message.size());
    constexpr std::size_t kPart = 256;
    for (std::size_t i = 0; i + kPart <= message.size(); i += kPart, ++parts)
      different.emplace(message.begin() + static_cast<std::ptrdiff_t>(i),
                        message.begin() + static_cast<std::ptrdiff_t>(i + kPart));
  }
  CHECK_ALL_RANKS(largest > (1 << 20));
  CHECK_ALL_RANKS(different.size() == parts);
}

TEST_CASE("a rank without memory for the probe keeps no other waiting") {
  if (world().size() == 1) return;  // nobody to send to
  const auto verdict = verdict_on(Fault::no_memory);
  CAPTURE(verdict.reason);
  CHECK_ALL_RANKS(is_failure(verdict, "8MiB: "));
  CHECK_ALL_RANKS(holds(verdict.reason, "out of memory"));
}

TEST_CASE("the message of a library that crashes names the probe and the way out") {
  if (world().size() == 1) return;  // nobody to send to
  std::string said;
  comm::transport::DirectProbe probe;
  probe.claim = {true, "it says so"};
  probe.way_out = "--set exchange.transport=staged does without";
  probe.make_transport = [&](comm::mpi::Communicator&) { return std::make_unique<CrashingTransport>(said); };
  probe_direct(world(), kGpu, probe);
  CAPTURE(said);
  CHECK_ALL_RANKS(holds(said, "error: MPI crashed when it was to send GPU memory"));
  CHECK_ALL_RANKS(holds(said, "the same GPU, 1000B"));
  CHECK_ALL_RANKS(holds(said, "--set exchange.transport=staged does without\n"));
}
