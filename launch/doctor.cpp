// eightfold doctor
#include "launch/doctor.hpp"

#include <unistd.h>

#include <array>
#include <csignal>

namespace eightfold::launch {
namespace {

namespace doctor = runtime::doctor;

// Under another root the libraries of this machine would answer for the wrong one.
doctor::Libraries libraries_for(const DoctorOptions& options, const doctor::Root& root) {
  if (!options.libraries.empty()) return doctor::Libraries::in(options.libraries);
  return root.is_this_machine() ? doctor::Libraries::of_this_machine() : doctor::Libraries::none();
}

}  // namespace

doctor::Machine machine_of(const DoctorOptions& options) {
  const doctor::Root root(options.root);
  doctor::Machine machine = look_at(root, libraries_for(options, root));
  machine.run_directory = options.run_directory;
  return machine;
}

ResultRow row_of(const doctor::Diagnosis& diagnosis) {
  std::vector<ResultRow> evidence;
  for (const doctor::Evidence& fact : diagnosis.finding.evidence)
    evidence.push_back({{"path", fact.path}, {"value", fact.value}});
  return {{"id", diagnosis.id},           {"status", to_string(diagnosis.finding.status)},
          {"evidence", evidence},         {"consequence", diagnosis.finding.consequence},
          {"fix", diagnosis.finding.fix}, {"documentation", diagnosis.anchor()}};
}

ResultRow row_of(const doctor::DataPath& path) {
  ResultRow row = {{"id", "path"}, {"transport", path.transport}, {"reason", path.reason}, {"way", path.way}};
  row["ceiling_gbytes_per_s"] =
      path.ceiling_gbytes_per_s ? ResultValue(*path.ceiling_gbytes_per_s) : ResultValue();
  return row;
}

std::string environment_of(const DoctorOptions& options, int ranks, int nodes) {
  return environment_without_device(ranks, nodes, {{"root", options.root.string()}});
}

namespace {

// What has been found so far, and which check is at work: printed if a library crashes when it is asked, so
// that it takes no other answer with it. One at a time.
class CrashReport {
 public:
  CrashReport() {
    for (const int signal : kSignals) std::signal(signal, &CrashReport::print);
  }
  ~CrashReport() {
    for (const int signal : kSignals) std::signal(signal, SIG_DFL);
    text.clear();
  }
  CrashReport(const CrashReport&) = delete;  // owns the signals
  CrashReport& operator=(const CrashReport&) = delete;

  static void found(const std::vector<doctor::Diagnosis>& diagnoses, std::string_view next) {
    text = fmt::format("{}FAIL    {} a library crashed when it was asked\n", report(diagnoses), next);
  }

 private:
  static constexpr std::array kSignals = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

  // In a signal handler: nothing here allocates.
  static void print(int signal) {
    [[maybe_unused]] const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }

  static inline std::string text;
};

base::ExitCode diagnose(const DoctorOptions& options) {
  prepare_json(options.json);
  const doctor::Machine machine = machine_of(options);
  std::vector<doctor::Diagnosis> diagnoses;
  std::vector<ResultRow> rows;
  doctor::DataPath path;
  {
    const CrashReport crash;
    for (const doctor::Check& check : doctor::all_checks()) {
      CrashReport::found(diagnoses, check.id);
      diagnoses.push_back(examine(check, machine));
      rows.push_back(row_of(diagnoses.back()));
    }
    CrashReport::found(diagnoses, "path");
    path = expected_path(machine);
  }
  rows.push_back(row_of(path));
  fmt::print("{}{}\n{}\n", report(diagnoses), line_of(path), totals(diagnoses));
  write_result(options.json, environment_of(options, 1, 1), rows);
  return worst(diagnoses) == doctor::Status::fail ? base::ExitCode::environment : base::ExitCode::done;
}

}  // namespace

void add_doctor(const Command& program, Action& chosen) {
  auto options = std::make_shared<DoctorOptions>();
  const Command command = program.add_command(
      "doctor", "Say what of this machine stands in the way of training, and how to fix it");
  command.footer(
      "One line per check, STATUS id evidence, then what follows and what fixes it, the worst first; "
      "docs/doctor.md explains each.\n"
      "Alone it looks at this machine and starts no MPI; under mpirun, --cluster compares all nodes of a "
      "job:\n"
      "  mpirun -np 2 eightfold doctor --cluster --prove --bench\n"
      "Exit code 3 if a check says FAIL.");
  command.add_option("--root", options->root, "Read /proc and /sys of a machine below DIR")
      .type_name("DIR")
      .show_default();
  command
      .add_option("--libraries", options->libraries,
                  "Ask the driver's libraries, UCX, verbs and MPI in DIR instead of those a job would load")
      .type_name("DIR")
      .existing_directory();
  command.add_option("--run-dir", options->run_directory, "Where runs are written: job.run_dir of the job")
      .type_name("DIR")
      .show_default();
  command.add_flag("--cluster", options->cluster,
                   "Gather what all ranks find; show what fails and where nodes differ");
  command.add_flag("--prove", options->prove,
                   "Also let MPI prove that it can take the memory of GPUs, over every kind of pair");
  command.add_flag("--bench", options->bench,
                   "Also measure messages between the ranks and allreduces of all");
  add_json_option(command, options->json);
  command.callback([options, &chosen] {
    chosen = [options] {
      if (options->cluster || options->prove || options->bench) return diagnose_cluster(*options);
      base::ExitCode verdict = base::ExitCode::done;
      const base::ExitCode code = alone([&] { verdict = diagnose(*options); });
      return code == base::ExitCode::done ? verdict : code;
    };
  });
}

}  // namespace eightfold::launch
