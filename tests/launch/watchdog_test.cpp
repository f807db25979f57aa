// Ranks that stop, hang or are asked for their records, while the program trains under mpirun.
#include "kernels/base/flight_record.hpp"
#include "tests/launch/program.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

using namespace eightfold;
using namespace eightfold::test;
using namespace std::chrono_literals;

namespace fs = std::filesystem;

namespace {

constexpr auto kPatience = 60s;

// Trains far longer than any test looks at it.
std::string long_job() {
  return kTinyJob +
         "[evaluation]\nevery = 0\n[checkpoint]\nevery = -1\n[exchange]\nreplica_check = 7\n"
         "[telemetry]\ninterval = 20\n[watchdog]\ndeadline = \"2s\"\n";
}

// The run's flight/ once every rank has trained for some steps. 0 ranks: one without mpirun.
std::optional<fs::path> flight_of(const Scratch& scratch, int ranks, Process& process) {
  const auto start = std::chrono::steady_clock::now();
  std::error_code not_yet;
  while (std::chrono::steady_clock::now() - start < kPatience && !process.ends_within(5ms))
    for (const auto& run : fs::directory_iterator(scratch / "runs/tiny", not_yet)) {
      const fs::path flight = run.path() / "flight";
      int training = 0;
      for (int rank = 0; rank < std::max(ranks, 1); ++rank)
        if (const auto record = base::read_flight_record(base::flight_file(flight, rank)))
          training += record->step >= 20 && record->phase != base::Phase::start_up ? 1 : 0;
      if (training == std::max(ranks, 1)) return flight;
    }
  return std::nullopt;
}

int process_of(const fs::path& flight, int rank) {
  return base::read_flight_record(base::flight_file(flight, rank)).value().pid;
}

std::vector<std::string> long_training() {
  return {"train", "job.toml", "--set", "job.epochs=100000"};
}

}  // namespace

TEST_CASE("a rank that is stopped ends the job with code 6 and is named") {
  for (const int ranks : {2, 3, 4}) {
    for (const int odd : {0, ranks - 1}) {
      CAPTURE(ranks, odd);
      const Scratch scratch;
      scratch.file("job.toml", long_job());
      Process process(program(long_training(), ranks, scratch.path()));
      const std::optional<fs::path> flight = flight_of(scratch, ranks, process);
      REQUIRE(flight);
      REQUIRE(::kill(process_of(*flight, odd), SIGSTOP) == 0);
      const auto stopped = std::chrono::steady_clock::now();
      const Finished finished = process.wait(kPatience);
      INFO(finished.err);
      CHECK(finished.status == 6);
      CHECK(std::chrono::steady_clock::now() - stopped < 2s + 20s);  // 5 s where the machine is quiet
      const auto lines = lines_with(finished.err, "watchdog: ");
      REQUIRE(lines.size() == 1);
      CHECK(lines[0].find(fmt::format("watchdog: rank {} (host ", odd)) != std::string::npos);
      CHECK(lines[0].find("its process is stopped") != std::string::npos);
      CHECK(lines[0].find("; watchdog.deadline sets the limit; rank ") != std::string::npos);
      const std::string report = contents_of(*flight / "report.txt");
      CHECK(report.starts_with(lines[0].substr(lines[0].find("watchdog: "))));
      for (int rank = 0; rank < ranks; ++rank)
        CHECK(report.find(fmt::format("---- rank {}: {}", rank, rank == odd ? "stopped" : "alive")) !=
              std::string::npos);
    }
  }
}

TEST_CASE("a healthy run is left alone by a short deadline") {
  const Scratch scratch;
  scratch.file("job.toml", kTinyJob);
  const Finished finished =
      run_program({"train", "job.toml", "--set", "watchdog.deadline=5s"}, 3, scratch.path());
  CHECK(lines_with(finished.err, "watchdog").empty());
  const fs::path run = scratch / result_of(finished)["run_dir"];
  for (int rank = 0; rank < 3; ++rank) {
    const auto record = base::read_flight_record(base::flight_file(run / "flight", rank));
    REQUIRE(record);
    CHECK(record->phase == base::Phase::ended);
    CHECK(record->exit_code == 0);
    CHECK(record->last_events().size() == base::FlightRecord::kEvents);
  }
}

TEST_CASE("SIGUSR2 has the records written as text, and training goes on to the same weights") {
  const auto training = [](bool asked) {
    const Scratch scratch;
    scratch.file("job.toml", long_job());
    Process process(program({"train", "job.toml", "--set", "job.epochs=200"}, 2, scratch.path()));
    const std::optional<fs::path> flight = flight_of(scratch, 2, process);
    REQUIRE(flight);
    if (asked) REQUIRE(::kill(process_of(*flight, 1), SIGUSR2) == 0);
    const Finished finished = process.wait(kPatience);
    INFO(finished.err);
    REQUIRE(finished.status == 0);
    for (const char* file : {"rank-00000.txt", "rank-00001.txt"}) {
      REQUIRE(fs::exists(*flight / file) == asked);
      if (asked) CHECK(lines_with(contents_of(*flight / file), " step ").size() > 100);
    }
    return result_of(finished)["weight_hash"];
  };
  CHECK(training(true) == training(false));
}

TEST_CASE("a rank that is killed is named by one that is ended for it") {
  const Scratch scratch;
  scratch.file("job.toml", long_job());
  Process process(program(long_training(), 3, scratch.path()));
  const std::optional<fs::path> flight = flight_of(scratch, 3, process);
  REQUIRE(flight);
  REQUIRE(::kill(process_of(*flight, 1), SIGKILL) == 0);
  const Finished finished = process.wait(kPatience);
  INFO(finished.err);
  CHECK(finished.status == 128 + SIGKILL);  // mpirun's, of the first that ended
  // The launcher of Open MPI 5 kills 0.2 s after its SIGTERM, too early for another rank to find out.
  if (!lines_with(finished.err, "prterun noticed that process rank 1 with ").empty()) {
    CHECK(lines_with(finished.err, "signal 9 (Killed)").size() == 1);
    return;
  }
  CHECK_FALSE(lines_with(finished.err, "error: rank 1 (host ").empty());
  CHECK_FALSE(lines_with(finished.err, "is gone: it was in ").empty());
}

namespace {

// Asked to stop by this signal at this rank, then resumed: the weights at the end.
std::string stopped_and_resumed(int ranks, int asked, int signal, const std::string& reason) {
  const Scratch scratch;
  scratch.file("job.toml", long_job());
  const std::vector<std::string> training = {"train", "job.toml", "--set", "job.epochs=300"};
  Process process(program(training, ranks, scratch.path()));
  const std::optional<fs::path> flight = flight_of(scratch, ranks, process);
  REQUIRE(flight);
  REQUIRE(::kill(process_of(*flight, asked), signal) == 0);
  const Finished stopped = process.wait(kPatience);
  INFO(stopped.err);
  REQUIRE(stopped.status == 75);
  CHECK(lines_with(stopped.out, "result ").empty());
  const auto lines = lines_with(stopped.err, "stopped by " + reason + " after step ");
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("info: ") != std::string::npos);
  CHECK(lines_with(stopped.err, "error:").empty());
  std::vector<std::string> again = training;
  again.emplace_back("--resume");
  const Finished resumed = run_program(again, ranks, scratch.path());
  CHECK(lines_with(resumed.err, "resuming from ").size() == 1);
  return result_of(resumed)["weight_hash"];
}

std::string undisturbed(int ranks) {
  const Scratch scratch;
  scratch.file("job.toml", long_job());
  return result_of(
      run_program({"train", "job.toml", "--set", "job.epochs=300"}, ranks, scratch.path()))["weight_hash"];
}

}  // namespace

TEST_CASE("SIGUSR1 at any rank ends all of them with a checkpoint, and the run goes on from there") {
  for (const int ranks : {1, 2, 3}) {
    CAPTURE(ranks);
    CHECK(stopped_and_resumed(ranks, ranks - 1, SIGUSR1, "SIGUSR1") == undisturbed(ranks));
  }
}

TEST_CASE("whoever is asked to stop at the end of an epoch saves, and does not evaluate") {
  const Scratch scratch;
  scratch.file("job.toml", kTinyJob + "[evaluation]\nevery = 1\n[checkpoint]\nevery = -1\n");
  Process process(program({"train", "job.toml", "--set", "job.global_batch=640"}, 2, scratch.path(),
                          {{"SLURM_JOB_END_TIME", "1"}}));
  const Finished stopped = process.wait(kPatience);
  INFO(stopped.err);
  CHECK(stopped.status == 75);
  CHECK(lines_with(stopped.err, "stopped by the time limit after step 1, with a checkpoint").size() == 1);
  CHECK(lines_with(stopped.out, "test").empty());
}

TEST_CASE("SIGTERM does the same while all ranks are alive") {
  CHECK(stopped_and_resumed(2, 0, SIGTERM, "SIGTERM") == undisturbed(2));
}

TEST_CASE("without mpirun, whatever ends an interactive run does the same") {
  const std::string expected = undisturbed(0);
  for (const auto& [signal, name] : {std::pair{SIGINT, "SIGINT"}, std::pair{SIGHUP, "SIGHUP"},
                                     std::pair{SIGQUIT, "SIGQUIT"}, std::pair{SIGXCPU, "SIGXCPU"}})
    CHECK(stopped_and_resumed(0, 0, signal, name) == expected);
}

TEST_CASE("a run stops by itself before Slurm ends it") {
  const Scratch scratch;
  scratch.file("job.toml", long_job());
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
  Process process(program({"train", "job.toml"}, 2, scratch.path(),
                          {{"SLURM_JOB_END_TIME", std::to_string(now.count() + 30)}}));
  const Finished stopped = process.wait(kPatience);
  INFO(stopped.err);
  CHECK(stopped.status == 75);
  CHECK(lines_with(stopped.err, "stopped by the time limit after step 1, with a checkpoint").size() == 1);
}
