#pragma once

// NVML, the driver's library that reports the state of a GPU: loaded when it is asked for, neither linked nor
// needed.

#include "kernels/base/library.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace eightfold::runtime::health {

// The values that NVML reports for a GPU; nothing for those that it does not report.
struct GpuHealth {
  std::optional<unsigned> clock_mhz, max_clock_mhz;  // of the multiprocessors
  std::optional<unsigned> temperature_c;
  std::optional<double> power_w, power_limit_w;
  std::optional<std::uint64_t> memory_used_bytes, memory_bytes;
  std::optional<std::uint64_t> throttle_reasons;  // nvmlClocksThrottleReason* bits
};

// The reasons for a low clock that cost speed although the GPU has work: "power cap", "too hot (hardware)".
std::vector<std::string_view> words_for(std::uint64_t throttle_reasons);

class Nvml {
 public:
  // Loads it by a name for the dynamic linker or a path, and starts it.
  explicit Nvml(const std::string& file = "libnvidia-ml.so.1");
  ~Nvml();
  Nvml(const Nvml&) = delete;  // would be stopped twice
  Nvml& operator=(const Nvml&) = delete;

  const base::LibrarySource& source() const noexcept { return library_.source(); }
  // The result of its start: 0 if it answers, and its own words.
  int code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }
  bool answers() const { return source().loaded() && code_ == 0; }

  // The rest asks one that answers.

  // The version of the kernel module that it talks to.
  std::string driver();
  using Gpu = void*;
  std::vector<Gpu> gpus();
  // The one at an address of the PCI bus as in /sys/bus/pci/devices, or null.
  Gpu gpu_at(const std::string& address);
  // That address; empty if NVML does not say.
  std::string address_of(Gpu gpu);
  GpuHealth health_of(Gpu gpu);
  std::optional<unsigned> compute_processes(Gpu gpu);
  // True if one reads the other's memory without the host's help.
  std::optional<bool> are_peers(Gpu one, Gpu other);

 private:
  template <class Value>
  std::optional<Value> ask(const char* function, Gpu gpu);
  template <class Record>
  std::optional<Record> ask_record(const char* function, Gpu gpu);
  template <class Value>
  std::optional<Value> ask(const char* function, Gpu gpu, int kind);
  std::optional<std::uint64_t> throttle_reasons(Gpu gpu);

  base::Library library_;
  int (*start_)();
  int (*stop_)();
  const char* (*words_)(int);
  int (*driver_)(char*, unsigned);
  int code_ = 0;
  std::string message_;
};

}  // namespace eightfold::runtime::health
