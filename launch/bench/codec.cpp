#include "kernels/base/log.hpp"
#include "kernels/base/median.hpp"
#include "kernels/base/parse.hpp"
#include "launch/bench/bench.hpp"
#include "launch/bench/codec_trial.hpp"
#include "launch/bench/options.hpp"
#include "launch/bench/random_values.hpp"
#include "launch/command/result.hpp"
#include "runtime/run/run_directory.hpp"

#include <algorithm>

namespace eightfold::launch::bench {
namespace {

using quant8::Encoding;
using quant8::Scaling;

struct CodecOptions {
  std::vector<std::string> formats{"dynamic-tree8", "linear8"};
  std::vector<std::string> sizes{"1MiB", "256MiB"};
  std::string block = "256";
  std::string data = "normal";
  std::int64_t repeats = 10;
  std::filesystem::path json;
};

// What the options ask for.
struct CodecPlan {
  std::vector<Encoding> encodings;
  std::vector<std::size_t> elements;
  Distribution distribution;
};

constexpr std::uint64_t kSeed = 1;

Scaling parse_block(const std::string& text) {
  if (text == "tensor") return Scaling::tensor;
  if (text == std::to_string(quant8::kBlock)) return Scaling::block;
  base::raise<base::ConfigError>("--block {}: it is {} or tensor", text, quant8::kBlock);
}

CodecPlan plan(const CodecOptions& options) {
  CodecPlan plan{{}, {}, parse_distribution(options.data)};
  const Scaling scaling = parse_block(options.block);
  for (const std::string& name : options.formats)
    plan.encodings.push_back({parse_format_option("--formats", name), scaling});
  for (const std::string& size : options.sizes) plan.elements.push_back(parse_elements_option(size));
  return plan;
}

command::ResultRow row_of(const CodecTrial& trial, std::size_t elements, const std::string& block) {
  const quant8::Fidelity fidelity = trial.verify();
  const auto gbytes_per_s = [&](const std::vector<double>& seconds) {
    return 1e-9 * static_cast<double>(elements * sizeof(float)) / base::median(seconds);
  };
  const CodecTrial::Times& times = trial.times();
  command::ResultRow row{{"format", to_string(trial.encoding().format)}, {"elements", elements}};
  if (block == "tensor")
    row["block"] = block;
  else
    row["block"] = quant8::kBlock;
  row["encode_gbytes_per_s"] = gbytes_per_s(times.encode);
  row["decode_gbytes_per_s"] = gbytes_per_s(times.decode);
  row["fused_gbytes_per_s"] = gbytes_per_s(times.fused);
  row["read_gbytes_per_s"] = gbytes_per_s(times.read);
  row["fill_gbytes_per_s"] = gbytes_per_s(times.fill);
  row["memcpy_gbytes_per_s"] = gbytes_per_s(times.memcpy);
  row["mre"] = fidelity.mre;
  row["nmse"] = fidelity.nmse;
  row["bias"] = fidelity.bias;
  return row;
}

// All formats of one size take turns, so that what disturbs one disturbs the others too.
std::vector<command::ResultRow> measure(kernels::StreamView stream, const CodecPlan& plan,
                                        std::size_t elements, const CodecOptions& options) {
  std::vector<float> values(elements);
  draw(plan.distribution, kSeed, values);
  TrialData data(stream, std::move(values));
  std::vector<CodecTrial> trials;
  for (const Encoding& encoding : plan.encodings) trials.emplace_back(stream, encoding, data);
  for (CodecTrial& trial : trials) trial.warm_up();
  for (std::int64_t repeat = 0; repeat < options.repeats; ++repeat)
    for (CodecTrial& trial : trials) trial.run();
  base::log_info("{} timed, now compared with the reference", base::format_bytes(elements * sizeof(float)));
  std::vector<command::ResultRow> rows;
  for (const CodecTrial& trial : trials) rows.push_back(row_of(trial, elements, options.block));
  return rows;
}

void bench_codec(const CodecOptions& options, comm::mpi::Environment& environment) {
  comm::mpi::Communicator& world = environment.world();
  comm::mpi::run_agreed(world, [&] {
    if (world.size() > 1)
      base::raise<base::ConfigError>("bench codec measures one core: start it without mpirun, or with -np 1");
  });
  command::prepare_json(options.json);
  const CodecPlan plan = bench::plan(options);
  const kernels::Device device;
  const kernels::Stream stream(device);
  std::vector<command::ResultRow> rows;
  for (const std::size_t elements : plan.elements)
    std::ranges::copy(measure(stream, plan, elements, options), std::back_inserter(rows));
  command::publish(options.json, runtime::run::environment_json({world.host(), to_string(device), 1, 1, 1}),
                   rows);
}

}  // namespace

void add_bench_codec(const command::Command& bench, command::Action& chosen) {
  auto options = std::make_shared<CodecOptions>();
  const command::Command command =
      bench.add_command("codec", "Time formats on one core, beside its memory, and say what they lose");
  command.footer(
      "Medians over the repeats, in which everything takes turns; gbytes_per_s: 10^9 bytes of fp32 a second. "
      "fused: "
      "the sum of\n"
      "4 encoded shards of that size, encoded again; read: a maximum over the values; fill: stores past the "
      "caches;\n"
      "mre, nmse, bias: mean relative error, squared error over squares, bias of the mean magnitude. Each "
      "result is\n"
      "compared with the reference codec, which takes a while for large sizes.");
  command.add_option("--formats", options->formats, "Formats, separated by commas")
      .comma_separated()
      .show_default();
  command.add_option("--sizes", options->sizes, "Sizes of the fp32 values, separated by commas")
      .comma_separated()
      .show_default();
  command.add_option("--block", options->block, "Elements that share a scale: 256, or tensor for all")
      .show_default();
  command.add_option("--data", options->data, "normal, uniform or heavy-tailed").show_default();
  command.add_option("--repeats", options->repeats, "How often everything is timed")
      .show_default()
      .in_range(1, 1000000);
  command::add_json_option(command, options->json);
  command::run_on_ranks(command, chosen, options, bench_codec);
}

}  // namespace eightfold::launch::bench
