// Whole jobs on a device: they learn what they learn on the host, whatever the streams do in between.
//
// Where the device is interpreted (docs/simt.md) it is slow: jobs are cut down to 12 steps of 16 samples. Two
// ranks share the first GPU, or each has its own.
#include "kernels/device.hpp"

#include "tests/launch/program.hpp"
#include "tests/runtime/doctor/node.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

using namespace eightfold;
using namespace eightfold::test;

namespace fs = std::filesystem;

namespace {

using Names = std::vector<std::string>;
using Variables = std::map<std::string, std::string>;

constexpr int kRanks = 2;
constexpr std::size_t kSteps = 12;
constexpr double kTolerance = 1e-3;

const Names kOnHost = {"--set", "job.device=host"};
const Names kOnDevice = {"--set", "job.device=cuda"};

Names operator+(Names left, const Names& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

// A job of configs/jobs/, cut down.
Names shortened(const std::string& job) {
  Names arguments = {source_directory() / "configs/jobs" / (job + ".toml")};
  for (const char* setting :
       {"job.threads=1", "job.epochs=1", "job.global_batch=16", "data.train=192", "data.test=16",
        "schedule.warmup_steps=1", "telemetry.interval=1", "checkpoint.every=6", "exchange.bucket=16KiB"})
    arguments = arguments + Names{"--set", setting};
  return arguments;
}

struct Trained {
  fs::path run;
  std::string weight_hash;
  std::string device;  // of rank 0
  std::vector<double> losses;
};

Trained train(const Scratch& scratch, const std::string& job, const Names& options,
              const Variables& variables = {}) {
  auto result =
      result_of(run_program(Names{"train"} + shortened(job) + options, kRanks, scratch.path(), variables));
  const fs::path run = scratch / result["run_dir"];
  const auto environment = nlohmann::json::parse(contents_of(run / "environment.json"));
  Trained trained{run, result["weight_hash"], environment.at("device"), {}};
  for (const auto& record : records_of(run, "train")) trained.losses.push_back(record.at("loss"));
  return trained;
}

// A folder, before those that a variable names.
std::string in_front_of(const char* variable, const fs::path& folder) {
  const char* const others = std::getenv(variable);
  return others != nullptr ? folder.string() + ":" + others : folder.string();
}

}  // namespace

TEST_CASE("jobs have the losses on a device that they have on the host") {
  for (const std::string job : {"digits-mlp", "digits-convnet"}) {
    CAPTURE(job);
    const Scratch scratch;
    const Trained host = train(scratch, job, kOnHost), device = train(scratch, job, kOnDevice);
    CHECK(host.device == "host");
    CHECK(device.device == "cuda:0");
    REQUIRE(host.losses.size() == kSteps);
    REQUIRE(device.losses.size() == kSteps);
    CHECK(host.losses.back() < host.losses.front());
    for (std::size_t step = 0; step < kSteps; ++step) {
      CAPTURE(step);
      CHECK(std::abs(device.losses[step] - host.losses[step]) < kTolerance);
    }
  }
}

TEST_CASE("a job that goes on from a checkpoint on a device ends in the bits of one that was never ended") {
  const Scratch scratch;
  const Trained whole = train(scratch, "digits-convnet", kOnDevice);
  const Trained resumed =
      train(scratch, "digits-convnet",
            kOnDevice + Names{"--resume", (whole.run / "checkpoints/step-00000006").string()});
  CHECK(fs::equivalent(resumed.run, whole.run));
  CHECK(records_of(resumed.run, "begin").back().at("step") == 6);
  CHECK(resumed.weight_hash == whole.weight_hash);
}

// An order that no event demands may come about by itself as long as all streams are prompt, or share a
// queue. A GPU knows no delays, and repeats itself.
TEST_CASE("delays on the streams of a device change nothing of what is learnt") {
  const Scratch scratch;
  const Trained prompt = train(scratch, "digits-mlp", kOnDevice);
  const Trained delayed =
      train(scratch, "digits-mlp", kOnDevice, {{"SIMT_DELAY", "0.3/500"}, {"SIMT_QUEUES", "0"}});
  CHECK(delayed.losses == prompt.losses);
  CHECK(delayed.weight_hash == prompt.weight_hash);
}

TEST_CASE("a step on a device neither allocates nor waits for it once it has been run in") {
  const Scratch scratch;
  for (const std::string job : {"digits-mlp", "digits-convnet"}) {
    const Finished bench =
        run_program(Names{"bench", "step", "--steps", "5", "--warmup", "3", "--check-steady-state"} +
                        shortened(job) + kOnDevice,
                    kRanks, scratch.path());
    CHECK(lines_with(bench.err, "steady state: 0 allocations and 0 synchronizations in 5 steps").size() == 1);
  }
}

TEST_CASE("a job takes a device where there is one, and the host where there is none") {
  const Scratch scratch;
  const Names one_step = {"--set", "job.steps=1"};
  const Variables none = {{"SIMT_DEVICES", "0"}, {"CUDA_VISIBLE_DEVICES", ""}};
  CHECK(train(scratch, "digits-mlp", one_step).device == "cuda:0");
  CHECK(train(scratch, "digits-mlp", one_step, none).device == "host");
  const Finished refused =
      run(program(Names{"train"} + shortened("digits-mlp") + kOnDevice, kRanks, scratch.path(), none));
  CHECK(refused.status == 3);
  CHECK(lines_with(refused.err, "job.device is cuda, but no GPU is visible").size() == 1);
}

TEST_CASE("ranks select their devices before MPI starts, where a launcher tells their numbers") {
  const Scratch scratch;
  const auto device = [&](int ranks, const Names& options) {
    const Finished job = run_program(
        Names{"train", "--set", "job.steps=1"} + shortened("digits-mlp") + options, ranks, scratch.path());
    const Names lines = lines_with(job.err, "device: ");  // of rank 0
    REQUIRE(lines.size() == 1);
    return lines.front();
  };
  const std::string started = device(kRanks, {});
  CHECK(started.find("device: cuda:0 of ") != std::string::npos);
  CHECK(started.ends_with("; selected before MPI started (OMPI_COMM_WORLD_LOCAL_RANK=0)"));
  CHECK(device(0, {}).ends_with("; not selected before MPI started: no launcher has told the local rank"));
  CHECK(device(kRanks, kOnHost).ends_with("device: host (as the job says)"));
}

TEST_CASE("a rank that its launcher gave another number than MPI selects its device again and says so") {
#ifdef EIGHTFOLD_SIMT
  const int gpus = 2;
#else
  const int gpus = kernels::device_count(kernels::DeviceKind::cuda);
#endif
  const Scratch scratch;
  const Finished job =
      run_program(Names{"train", "--set", "job.steps=1"} + shortened("digits-mlp") + kOnDevice, 0,
                  scratch.path(), {{"SIMT_DEVICES", std::to_string(gpus)}, {"SLURM_LOCALID", "1"}});
  INFO(job.err);
  const Names warnings = lines_with(job.err, "device: cuda:0, but cuda:1 was selected before MPI started");
  CHECK(warnings.size() == (gpus > 1 ? 1 : 0));
}

TEST_CASE("a job gives MPI no memory of a GPU before it has asked and tried, and says what came of it") {
  const Scratch scratch;
  const auto decision = [&](const Names& more) {
    const Finished job =
        run_program(Names{"train", "--set", "job.steps=1"} + shortened("digits-mlp") + kOnDevice + more,
                    kRanks, scratch.path());
    const Names lines = lines_with(job.err, "exchange: transport ");
    REQUIRE(lines.size() == 1);
    return lines.front();
  };
  const std::string decided = decision({});
  CAPTURE(decided);
  const auto says = [&](const std::string& part) { return decided.find(part) != std::string::npos; };
  CHECK((says("transport staged: MPI does not claim to know GPU memory: ") ||
         says("transport staged: MPI claims to know GPU memory (") ||
         says("transport direct: MPI claims to know GPU memory (")));
  CHECK(decision({"--set", "exchange.transport=staged"}).ends_with("transport staged: the job says so"));
}

// NVML is a fake one, so that a GPU is hot on any machine.
TEST_CASE("a job tells the health of its GPUs and names one that is throttled") {
  const Scratch scratch;
  const Node node;
  fs::create_symlink(fs::read_symlink(node.libraries() / "libnvidia-ml.so.1"), scratch / "libnvidia-ml.so.1");
  std::string gpus;
  for (int index = 0; index < kernels::device_count(kernels::DeviceKind::cuda); ++index)
    gpus += "0000" + kernels::pci_address({kernels::DeviceKind::cuda, index}) + " ";
  const Finished job = run_program(Names{"train", "--set", "job.steps=3", "--set", "telemetry.health=true"} +
                                       shortened("digits-mlp") + kOnDevice,
                                   kRanks, scratch.path(),
                                   {{"LD_LIBRARY_PATH", in_front_of("LD_LIBRARY_PATH", scratch.path())},
                                    {"FAKE_GPUS", gpus},
                                    {"FAKE_THROTTLE", "64"},
                                    {"FAKE_CLOCK", "1005"}});
  INFO(job.out << job.err);
  const Names health = lines_with(job.out, "health: ");
  REQUIRE(health.size() == 3);
  CHECK(health.front() ==
        "health: clock 1005 of 1980 MHz, 61 C, 480 of 700 W, memory 12.0 of 140.0 GiB; throttled: rank 0 "
        "(too hot "
        "(hardware)), rank 1 (too hot (hardware))");
  CHECK(lines_with(job.err, "the GPU is throttled: too hot (hardware); clock 1005 of 1980 MHz").size() ==
        kRanks);
  auto result = result_of(job);
  for (const auto& record : records_of(scratch / result["run_dir"], "train")) {
    REQUIRE(record.at("ranks").size() == kRanks);
    for (const auto& rank : record.at("ranks")) {
      CHECK(rank.at("busy_ms").get<double>() > 0);
      CHECK(rank.at("gpu").at("temperature_c") == 61);
      CHECK(rank.at("gpu").at("throttled").at(0) == "too hot (hardware)");
    }
  }
}
