#pragma once

// Queries libraries of the machine that are neither linked nor needed. They are NVML, the CUDA driver, UCX,
// verbs, and the MPI that this program was started with. They are loaded when they are queried, by their own
// names. They stay loaded, because some start threads or leave hooks that unloading does not undo.
// Declarations are our own, as the libraries' documents have them; the headers need not be installed.

#include "kernels/base/library.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace eightfold::runtime::doctor {

using Source = base::LibrarySource;

struct NvmlGpu {
  std::string address;                            // as in /sys/bus/pci/devices
  std::optional<std::uint64_t> throttle_reasons;  // nvmlClocksThrottleReason* bits
  std::optional<unsigned> compute_processes;
};

struct NvmlFacts {
  Source source;
  int code = 0;         // of nvmlInit_v2
  std::string message;  // NVML's words for it
  std::string driver;   // the version of the kernel module it talks to
  std::vector<NvmlGpu> gpus;
  // For every two GPUs, by address, that NVML knows: true if one reads the other's memory by itself.
  std::vector<std::tuple<std::string, std::string, bool>> peers;
};

struct CudaFacts {
  Source source;
  int version = 0;  // 12040 is 12.4
};

struct UcxFacts {
  Source source;
  std::string version;
  std::optional<std::vector<std::string>> components;  // "ib", "cuda_cpy"; nothing where uct does not say
};

struct VerbsDevice {
  std::string name;
  // True if its driver registers dma-buf memory, as an invalid file shows; nothing where it cannot
  // be asked. NCCL asks in the same way.
  std::optional<bool> takes_dma_buf;
};

struct VerbsFacts {
  Source source;
  std::vector<VerbsDevice> devices;
};

struct MpiFacts {
  Source source;
  std::string version;              // its first line
  std::optional<bool> claims_cuda;  // nothing where it has no word for it
};

class Libraries {
 public:
  // Those that the dynamic linker finds, as a job would.
  static Libraries of_this_machine() { return Libraries(Where::linker, {}); }
  // Those in one directory only.
  static Libraries in(std::filesystem::path directory) { return Libraries(Where::directory, directory); }
  // None: code is never loaded from a copy of another machine's files.
  static Libraries none() { return Libraries(Where::nowhere, {}); }

  bool askable() const { return where_ != Where::nowhere; }

  // Each loads its library, asks and returns; none throws because of what the library says.
  NvmlFacts nvml() const;
  CudaFacts cuda() const;
  UcxFacts ucx() const;
  VerbsFacts verbs() const;
  MpiFacts mpi() const;

 private:
  enum class Where { linker, directory, nowhere };

  Libraries(Where where, std::filesystem::path directory) : where_(where), directory_(std::move(directory)) {}
  std::string file(const std::string& name) const;

  Where where_;
  std::filesystem::path directory_;
};

}  // namespace eightfold::runtime::doctor
