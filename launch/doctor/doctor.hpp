#pragma once

// `eightfold doctor`, and the parts that the doctors of one machine and of a cluster share.

#include "launch/command/command.hpp"
#include "launch/command/result.hpp"
#include "runtime/doctor/data_path.hpp"
#include "runtime/doctor/diagnosis.hpp"

namespace eightfold::launch::doctor {

void add_doctor(const command::Command& program, command::Action& chosen);

struct DoctorOptions {
  std::filesystem::path root = "/";
  std::filesystem::path libraries;
  std::filesystem::path run_directory = "runs";
  std::string patience = "60s";  // with each check
  std::filesystem::path json;
  bool cluster = false;  // gather what all ranks find
  bool prove = false;    // and try the transports
  bool bench = false;    // and measure
};

runtime::doctor::Machine machine_of(const DoctorOptions& options);

command::ResultRow row_of(const runtime::doctor::Diagnosis& diagnosis);
command::ResultRow row_of(const runtime::doctor::DataPath& path);

// The "environment" of --json.
std::string environment_of(const DoctorOptions& options, int ranks, int nodes);

// Examines the machines of all ranks of a job. In doctor/cluster.cpp.
base::ExitCode diagnose_cluster(const DoctorOptions& options);

}  // namespace eightfold::launch::doctor
