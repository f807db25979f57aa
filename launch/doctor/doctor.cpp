// eightfold doctor
#include "launch/doctor/doctor.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/parse.hpp"

#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>

namespace eightfold::launch::doctor {
namespace {

namespace doctor = runtime::doctor;

// Under another root, libraries of this machine would describe the wrong machine.
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

command::ResultRow row_of(const doctor::Diagnosis& diagnosis) {
  std::vector<command::ResultRow> evidence;
  for (const doctor::Evidence& fact : diagnosis.finding.evidence)
    evidence.push_back({{"path", fact.path}, {"value", fact.value}});
  return {{"id", diagnosis.id},           {"status", to_string(diagnosis.finding.status)},
          {"evidence", evidence},         {"consequence", diagnosis.finding.consequence},
          {"fix", diagnosis.finding.fix}, {"documentation", diagnosis.anchor()}};
}

command::ResultRow row_of(const doctor::DataPath& path) {
  command::ResultRow row = {
      {"id", "path"}, {"transport", path.transport}, {"reason", path.reason}, {"way", path.way}};
  row["ceiling_gbytes_per_s"] =
      path.ceiling_gbytes_per_s ? command::ResultValue(*path.ceiling_gbytes_per_s) : command::ResultValue();
  return row;
}

std::string environment_of(const DoctorOptions& options, int ranks, int nodes) {
  return command::environment_without_device(ranks, nodes, {{"root", options.root.string()}});
}

namespace {

unsigned seconds_of_patience(const std::string& text) {
  const auto patience = base::parse_duration(text);
  if (!patience || *patience < std::chrono::seconds(1) || *patience > std::chrono::hours(1))
    base::raise<base::ConfigError>("--patience {}: a duration from 1s to 1h is needed", text);
  return static_cast<unsigned>(std::chrono::ceil<std::chrono::seconds>(*patience).count());
}

// Prints the findings so far and the check in progress if a library crashes or does not answer, so that no
// earlier finding is lost. One at a time.
class CrashReport {
 public:
  explicit CrashReport(unsigned patience_s) : patience_s_(patience_s) {
    for (const int signal : kCrashes) std::signal(signal, &CrashReport::print_crash);
    std::signal(SIGALRM, &CrashReport::print_silence);
  }
  ~CrashReport() {
    ::alarm(0);
    for (const int signal : kCrashes) std::signal(signal, SIG_DFL);
    std::signal(SIGALRM, SIG_DFL);
  }
  CrashReport(const CrashReport&) = delete;  // owns the signals
  CrashReport& operator=(const CrashReport&) = delete;

  void begin(std::string_view check, const std::vector<doctor::Diagnosis>& before) const {
    ::alarm(0);
    const std::string found = report(before);
    of_crash = fmt::format("{}FAIL    {} a library crashed when it was asked\n", found, check);
    of_silence =
        fmt::format("{}FAIL    {} no answer for {} s; --patience waits longer\n", found, check, patience_s_);
    ::alarm(patience_s_);
  }

 private:
  static constexpr std::array kCrashes = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

  // In signal handlers: nothing here allocates.
  static void print(const std::string& text) {
    [[maybe_unused]] const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
  }
  static void print_crash(int signal) {
    print(of_crash);
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  static void print_silence(int) {
    print(of_silence);
    ::_exit(static_cast<int>(base::ExitCode::environment));
  }

  static inline std::string of_crash, of_silence;
  unsigned patience_s_;
};

base::ExitCode diagnose(const DoctorOptions& options) {
  command::prepare_json(options.json);
  const unsigned patience_s = seconds_of_patience(options.patience);
  const doctor::Machine machine = machine_of(options);
  std::vector<doctor::Diagnosis> diagnoses;
  std::vector<command::ResultRow> rows;
  doctor::DataPath path;
  {
    const CrashReport crash(patience_s);
    for (const doctor::Check& check : doctor::all_checks()) {
      crash.begin(check.id, diagnoses);
      diagnoses.push_back(examine(check, machine));
      rows.push_back(row_of(diagnoses.back()));
    }
    crash.begin("path", diagnoses);
    path = expected_path(machine);
  }
  rows.push_back(row_of(path));
  fmt::print("{}{}\n{}\n", report(diagnoses), line_of(path), totals(diagnoses));
  command::write_result(options.json, environment_of(options, 1, 1), rows);
  return worst(diagnoses) == doctor::Status::fail ? base::ExitCode::environment : base::ExitCode::done;
}

}  // namespace

void add_doctor(const command::Command& program, command::Action& chosen) {
  auto options = std::make_shared<DoctorOptions>();
  const command::Command command = program.add_command(
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
  command
      .add_option("--patience", options->patience,
                  "How long a check of this machine may take before the doctor ends without its answer")
      .show_default();
  command::add_json_option(command, options->json);
  command.callback([options, &chosen] {
    chosen = [options] {
      if (options->cluster || options->prove || options->bench) return diagnose_cluster(*options);
      base::ExitCode verdict = base::ExitCode::done;
      const base::ExitCode code = command::alone([&] { verdict = diagnose(*options); });
      return code == base::ExitCode::done ? verdict : code;
    };
  });
}

}  // namespace eightfold::launch::doctor
