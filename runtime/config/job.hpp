#pragma once

// A training job as the program sees it: what a config file says, with every default filled in. Plain values.
// The one table of runtime/job/keys.cpp has each key's meaning, unit and range. The parser, `config show`,
// docs/config.md and the JSON schema are made from it.

#include "quant8/format.hpp"
#include "quant8/rounding.hpp"
#include "runtime/config/choice.hpp"
#include "runtime/config/place.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace eightfold::runtime::config {

enum class DeviceChoice { automatic, host, cuda };

struct Job {
  std::string name;
  std::uint64_t seed = 1;
  DeviceChoice device = DeviceChoice::automatic;
  bool tf32 = false;  // a GPU may round the operands of its products
  std::int64_t epochs = 10;
  std::int64_t steps = 0;           // at most so many optimizer steps; 0: the epochs decide
  std::int64_t global_batch = 128;  // samples per step over all ranks
  std::int64_t micro_batch = 0;     // samples per pass on one rank; 0: the whole local batch
  std::string run_dir = "runs";
  std::int64_t threads =
      0;  // host threads per rank; 0: the cores this rank may use, shared with ranks of its node
};

// The kinds and their keys: runtime/data/registry.hpp.
struct Data : Choice {
  Data() : Choice{"digits"} {}

  std::int64_t train = 0, test = 0;  // samples; 0: as the kind says
  bool may_change = false;           // --resume goes on with other training samples
};

// One [[model.layer]]; the kinds and their keys: runtime/model/layers/registry.hpp.
struct Layer : Choice {
  Place place;
};

struct Model {
  std::vector<Layer> layers;
};

// The kinds and their keys: runtime/optim/optimizers/registry.hpp.
struct Optimizer : Choice {
  Optimizer() : Choice{"sgd"} {}

  double learning_rate = 0.1;
  double clip_norm = 0;  // 0: no clipping
};

enum class ScheduleKind { constant, step, cosine };

struct Schedule {
  ScheduleKind kind = ScheduleKind::constant;
  std::int64_t warmup_steps = 0;
  std::vector<std::int64_t> step_epochs;  // step: after each of these epochs the rate is multiplied by factor
  double factor = 0.1;
  double final_fraction = 0;  // cosine: of the learning rate, reached at the last step
  Place place;                // of warmup_steps, for messages
};

using Codec = quant8::Format;
// The values of exchange.algorithm beside the generators that sum (comm/schedules/generators.hpp).
inline constexpr std::string_view kAutomaticAlgorithm = "auto";
inline constexpr std::string_view kMpiAlgorithm = "mpi";
enum class ErrorFeedback { automatic, on, off };
enum class Transport { automatic, staged, direct };

struct Exchange {
  Codec codec = Codec::dynamic_tree8;
  std::string algorithm = "two_shot";
  std::string calibration;         // what "auto" chooses by; empty: a rule
  std::uint64_t bucket = 4 << 20;  // bytes of fp32 gradients exchanged as one operation
  bool overlap = true;             // exchange while the backward pass still runs
  ErrorFeedback error_feedback = ErrorFeedback::automatic;
  quant8::Rounding rounding = quant8::Rounding::nearest;
  quant8::Scaling scaling = quant8::Scaling::block;
  std::uint64_t segment = 0;  // encoded bytes in one message; 0: as the exchange chooses
  Transport transport = Transport::automatic;
  bool verify_checksums = false;     // a hash with every message, checked by its receiver
  bool verify = false;               // compare every bucket's sum with one in fp32
  std::int64_t replica_check = 100;  // steps; 0: never
};

enum class NonFinite { off, stop, skip };
enum class SpikePolicy { stop, skip };

// The action on a step whose gradient looks wrong.
struct Guard {
  NonFinite non_finite = NonFinite::off;
  double spike = 0;  // standard deviations; 0: not looked for
  SpikePolicy spike_policy = SpikePolicy::skip;
  std::int64_t skip_limit = 10;  // steps skipped in a row
};

struct Evaluation {
  std::int64_t every = 1;      // epochs; 0: only at the end
  double target_accuracy = 0;  // stop once reached; 0: never
};

struct Checkpoint {
  std::int64_t every = 0;  // steps; 0: after every epoch; -1: never
  std::int64_t keep = 2;
  std::string dir;           // empty: <run directory>/checkpoints
  bool asynchronous = true;  // written while training goes on
};

struct Telemetry {
  std::int64_t interval = 50;  // steps between console lines and records
  bool trace = false;          // write trace.json
  bool health = false;         // a console line about the GPUs at every interval
};

// The longest time that a phase may take (kernels/base/flight_record.hpp); zero: no limit.
struct Watchdog {
  std::chrono::nanoseconds deadline = std::chrono::seconds(60);  // of data, forward, exchange, evaluation
  std::chrono::nanoseconds start_up = std::chrono::minutes(10);
  std::chrono::nanoseconds checkpoint = std::chrono::minutes(10);
};

struct JobConfig {
  Job job;
  Data data;
  Model model;
  Optimizer optimizer;
  Schedule schedule;
  Exchange exchange;
  Guard guard;
  Evaluation evaluation;
  Checkpoint checkpoint;
  Telemetry telemetry;
  Watchdog watchdog;
};

// The length of a run in optimizer steps, as the job and its data give it.
struct RunLength {
  std::int64_t steps_per_epoch = 0;
  std::int64_t steps = 0;
};

}  // namespace eightfold::runtime::config
