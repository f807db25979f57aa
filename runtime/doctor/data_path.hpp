#pragma once

// The path of a job's gradients between nodes, and the most that it could carry. One machine derives both
// without starting MPI.

#include "runtime/doctor/machine.hpp"

namespace eightfold::runtime::doctor {

struct DataPath {
  std::string transport;  // "direct", "staged", or "host" where there is no GPU
  std::string reason;
  std::string way;                             // the devices on it
  std::optional<double> ceiling_gbytes_per_s;  // 10^9 bytes a second, one way; the narrowest of its parts
};

DataPath expected_path(const Machine& machine);

// "path: direct over mlx5_0 <-> 0000:1b:00.0 (PIX), ...; expect at most 50 GB/s (400 Gbit/s) between nodes".
std::string line_of(const DataPath& path);

}  // namespace eightfold::runtime::doctor
