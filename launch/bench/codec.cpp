// eightfold bench codec
#include "kernels/base/log.hpp"
#include "kernels/base/median.hpp"
#include "kernels/base/parse.hpp"
#include "launch/bench/bench.hpp"
#include "launch/bench/codec_trial.hpp"
#include "launch/bench/options.hpp"
#include "launch/bench/random_values.hpp"
#include "launch/bench/turns.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

namespace eightfold::launch::bench {
namespace {

using quant8::Encoding;
using quant8::Scaling;

constexpr std::uint64_t kSeed = 1;

Scaling parse_block(const std::string& text) {
  if (text == "tensor") return Scaling::tensor;
  if (text == std::to_string(quant8::kBlock)) return Scaling::block;
  base::raise<base::ConfigError>("--block {}: it is {} or tensor", text, quant8::kBlock);
}

command::ResultRow row_of(const CodecTrial& trial, std::size_t elements) {
  const quant8::Fidelity fidelity = trial.verify();
  const auto gbytes_per_s = [&](const std::vector<double>& seconds) {
    return 1e-9 * static_cast<double>(elements * sizeof(float)) / base::median(seconds);
  };
  const CodecTrial::Times& times = trial.times();
  const Encoding& encoding = trial.encoding();
  return {{"format", to_string(encoding.format)},
          {"elements", elements},
          {"block", encoding.scaling == Scaling::tensor ? command::ResultValue("tensor")
                                                        : command::ResultValue(quant8::kBlock)},
          {"encode_gbytes_per_s", gbytes_per_s(times.encode)},
          {"decode_gbytes_per_s", gbytes_per_s(times.decode)},
          {"fused_gbytes_per_s", gbytes_per_s(times.fused)},
          {"read_gbytes_per_s", gbytes_per_s(times.read)},
          {"fill_gbytes_per_s", gbytes_per_s(times.fill)},
          {"memcpy_gbytes_per_s", gbytes_per_s(times.memcpy)},
          {"mre", fidelity.mre},
          {"nmse", fidelity.nmse},
          {"bias", fidelity.bias}};
}

class CodecBench final : public Bench {
 public:
  void add_options(const command::Command& command) override {
    command.add_option("--formats", formats_, "Formats, separated by commas")
        .comma_separated()
        .show_default();
    command.add_option("--sizes", sizes_, "Sizes of the fp32 values, separated by commas")
        .comma_separated()
        .show_default();
    command.add_option("--block", block_, "Elements that share a scale: 256, or tensor for all")
        .show_default();
    command.add_option("--data", data_, "normal, uniform or heavy-tailed").show_default();
    add_repeats_option(command, repeats_);
  }

  runtime::config::DeviceChoice known_device() const override { return runtime::config::DeviceChoice::host; }

  void plan(const comm::mpi::Communicator& world) override {
    if (world.size() > 1)
      base::raise<base::ConfigError>("bench codec measures one core: start it without mpirun, or with -np 1");
    distribution_ = parse_distribution(data_);
    const Scaling scaling = parse_block(block_);
    for (const std::string& name : formats_)
      encodings_.push_back({parse_format_option("--formats", name), scaling});
    for (const std::string& size : sizes_) elements_.push_back(parse_elements_option(size));
  }

  command::Placement place(comm::mpi::Communicator& world) override {
    const kernels::Device host;
    return {{.device = host}, {.hosts = world.host(), .device = to_string(host)}};
  }

  Figures measure(comm::mpi::Communicator&, const command::Placement& placement) override {
    const kernels::Stream stream(placement.place.device);
    Figures figures;
    for (const std::size_t elements : elements_)
      std::ranges::move(measure_size(stream, elements), std::back_inserter(figures.rows));
    return figures;
  }

 private:
  // A row for each format, which take turns at encoding, decoding and adding the same values.
  std::vector<command::ResultRow> measure_size(kernels::StreamView stream, std::size_t elements) const {
    std::vector<float> values(elements);
    draw(distribution_, kSeed, values);
    TrialData data(stream, std::move(values));
    std::vector<CodecTrial> trials;
    for (const Encoding& encoding : encodings_) trials.emplace_back(stream, encoding, data);
    std::vector<Turn> turns;
    for (CodecTrial& trial : trials) {
      trial.warm_up();
      turns.emplace_back([&trial](std::int64_t) { trial.run(); });
    }
    take_turns(turns, repeats_);
    base::log_info("{} timed, now compared with the reference", base::format_bytes(elements * sizeof(float)));
    std::vector<command::ResultRow> rows;
    for (const CodecTrial& trial : trials) rows.push_back(row_of(trial, elements));
    return rows;
  }

  std::vector<std::string> formats_{"dynamic-tree8", "linear8"};
  std::vector<std::string> sizes_{"1MiB", "256MiB"};
  std::string block_ = "256";
  std::string data_ = "normal";
  int repeats_ = 10;

  std::vector<Encoding> encodings_;
  std::vector<std::size_t> elements_;
  Distribution distribution_ = Distribution::normal;
};

}  // namespace

const Descriptor kCodecBench = {
    .name = "codec",
    .help = "Time formats on one core, beside its memory, and say what they lose",
    .footer =
        "Medians over the repeats, in which everything takes turns; gbytes_per_s: 10^9 bytes of fp32 a "
        "second. fused: the sum of\n"
        "4 encoded shards of that size, encoded again; read: a maximum over the values; fill: stores past "
        "the caches;\n"
        "mre, nmse, bias: mean relative error, squared error over squares, bias of the mean magnitude. Each "
        "result is\n"
        "compared with the reference codec, which takes a while for large sizes.",
    .make = make_bench<CodecBench>};

}  // namespace eightfold::launch::bench
