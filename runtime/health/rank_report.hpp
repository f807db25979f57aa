#pragma once

// The report that every rank sends rank 0 whenever the run reports.

#include "comm/mpi/communicator.hpp"
#include "runtime/health/nvml.hpp"

#include <nlohmann/json_fwd.hpp>

#include <span>
#include <string>
#include <vector>

namespace eightfold::runtime::health {

struct RankReport {
  double busy_ms = 0;       // of a step, without the wait for the exchange, which depends on other ranks
  double data_wait_ms = 0;  // of that
  GpuHealth gpu;            // nothing known without a GPU
};

// By rank, on rank 0; empty on the others. Collective.
std::vector<RankReport> gather(comm::mpi::Communicator& communicator, const RankReport& mine);

// "rank 3 (node7, GPU 0000:1a:00.0)", by rank, on rank 0. The address is empty without a GPU. Collective.
std::vector<std::string> gather_names(comm::mpi::Communicator& communicator, const std::string& gpu_address);

// For metrics.jsonl: an array with an object per rank.
nlohmann::json record_of(std::span<const RankReport> reports);

// The range over all GPUs: "clock 1005 to 1980 of 1980 MHz, 55 to 91 C, ..."; empty if no rank has data of a
// GPU.
std::string summary_of(std::span<const RankReport> reports);

// "rank 3 (power cap), rank 5 (too hot (hardware))"; empty if none is throttled.
std::string throttled_ranks(std::span<const RankReport> reports);

// The reasons why one GPU is throttled: "too hot (hardware), power cap"; empty if it is not.
std::string throttling_of(const GpuHealth& gpu);

}  // namespace eightfold::runtime::health
