#pragma once

// Combines the findings of all ranks of a job: the failures, and the differences between machines. Findings
// are sent to rank 0 as text and judged there; this file does not communicate.

#include "comm/mpi/clock_offset.hpp"
#include "runtime/doctor/data_path.hpp"
#include "runtime/doctor/diagnosis.hpp"

#include <map>
#include <span>

namespace eightfold::runtime::doctor {

// The message of one rank to rank 0.
struct RankFindings {
  std::string host;
  std::string boot;     // differs between machines, and between starts of one
  std::string ipc;      // the namespace of shared memory that it lives in; empty where it cannot be read
  std::string program;  // a hash of this program's file; empty where it cannot be read
  std::map<std::string, std::string> variables;  // those that steer MPI, UCX and CUDA
  std::vector<std::string> subnets;              // that its interfaces reach without a gateway
  DataPath path;                                 // expected_path()
  std::vector<Diagnosis> diagnoses;
  std::optional<comm::mpi::ClockOffset> clock = {};  // filled in by rank 0, for the first rank of a node

  // The message about a machine and this process on it, with every check.
  static RankFindings of(const Machine& machine);
  std::string text() const;
  // Reads the output of text(). Throws DataError.
  static RankFindings parse(const std::string& text);
};

// A diagnosis, and the ranks that made it, ascending.
struct SharedDiagnosis {
  Diagnosis diagnosis;
  std::vector<int> ranks;
};

// The findings to print: checks that FAIL or WARN on some rank, checks with different statuses on different
// ranks, and results of comparisons. They are in the order of the checks. `ranks` by rank.
struct ClusterReport {
  std::vector<SharedDiagnosis> shown;
  std::size_t checks = 0;  // of all, shown or not
};
ClusterReport compare(std::span<const RankFindings> ranks);

// The comparisons themselves: each looks at all ranks. In cluster_checks.cpp.
std::vector<Diagnosis> compare_ranks(std::span<const RankFindings> ranks);

// The hosts of ranks: "all 4 ranks", "a, b", "a (rank 1), b".
std::string where(std::span<const RankFindings> all, std::span<const int> ranks);

}  // namespace eightfold::runtime::doctor
