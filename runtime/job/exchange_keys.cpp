#include "runtime/job/exchange_keys.hpp"

#include "comm/schedules/generators.hpp"
#include "runtime/config/field.hpp"
#include "runtime/config/ranges.hpp"

namespace eightfold::runtime::job {
namespace {

// All but MPI_Allreduce.
std::vector<std::string_view> own_algorithms() {
  std::vector<std::string_view> names = algorithm_names();
  std::erase(names, config::kMpiAlgorithm);
  return names;
}

// The codecs that are so.
config::Condition with_codec(bool (*is_so)(config::Codec)) {
  // The formats themselves answer: a new one needs no change of the keys.
  std::vector<std::string_view> names;
  for (const config::Codec codec : quant8::all_formats())
    if (is_so(codec)) names.push_back(to_string(codec));
  return {"codec", std::move(names)};
}

// What the exchange's own algorithms need, and MPI_Allreduce has not.
std::vector<config::Key<config::Exchange>> message_keys() {
  const std::vector<config::Condition> own = {{"algorithm", own_algorithms()}};
  return {
      config::field_as<config::SizeField>(
          "segment", &config::Exchange::segment,
          {.help = "Encoded gradients in one message, at most; 0B: 48KiB on the host, 1MiB on "
                   "a GPU.",
           .unit = "bytes",
           .range = config::between(0, 1 << 30),
           .only_with = own}),
      config::field(
          "transport", &config::Exchange::transport,
          {.help = "Which memory messages are sent from: \"staged\": the host's, from and to which a GPU "
                   "copies; \"direct\": a GPU's own; \"auto\": direct where MPI claims to know GPU memory "
                   "and proves it "
                   "([collectives.md](collectives.md#transports)), else staged.",
           .only_with = own}),
      config::field(
          "verify_checksums", &config::Exchange::verify_checksums,
          {.help = "Sends a hash of 8 bytes with every message; the receiver ends the job with exit code 7 "
                   "if they changed on their way. On the host: the messages of a GPU carry none.",
           .only_with = own,
           .formerly = "paranoid"})};
}

// What a gradient loses on its way, and what is done about it.
std::vector<config::Key<config::Exchange>> precision_keys() {
  const config::Condition lossy =
      with_codec([](config::Codec codec) { return codec != config::Codec::fp32; });
  const config::Condition levelled =
      with_codec([](config::Codec codec) { return quant8::has_levels(codec); });
  const config::Condition scaled = with_codec([](config::Codec codec) { return quant8::has_scales(codec); });
  return {
      config::field(
          "error_feedback", &config::Exchange::error_feedback,
          {.help = "Whether a rank adds to a gradient what the encodings of earlier steps lost of it; "
                   "\"auto\": with linear4 and one-bit.",
           .only_with = {lossy},
           .identity = config::Identity::always}),
      config::field("rounding", &config::Exchange::rounding,
                    {.help = "To the nearest level, or to one of the two around a value at random (from the "
                             "seed), so that the mean is exact.",
                     .only_with = {levelled},
                     .identity = config::Identity::always}),
      config::field(
          "scaling", &config::Exchange::scaling,
          {.help = "What shares a scale: a block of 256 gradients or, as in the 2016 paper, all that "
                   "travel in one message.",
           .only_with = {scaled},
           .identity = config::Identity::always})};
}

// How the exchange is watched.
std::vector<config::Key<config::Exchange>> watching_keys() {
  return {config::field(
              "verify", &config::Exchange::verify,
              {.help = "Adds up every bucket in fp32 as well, and reports the error of the exchange. For "
                       "trials: it takes longer than the exchange itself."}),
          config::field(
              "replica_check", &config::Exchange::replica_check,
              {.help = "After so many steps the ranks compare hashes of their weights; one that differs "
                       "ends the job with exit code 7. 0: only before checkpoints and at the end.",
               .unit = "steps",
               .range = config::at_least(0)})};
}

}  // namespace

const std::vector<std::string_view>& codec_names() {
  return config::FieldOf<config::Codec>::choices;
}

const std::vector<std::string_view>& algorithm_names() {
  static const std::vector<std::string_view> all = [] {
    std::vector<std::string_view> names = {config::kAutomaticAlgorithm, config::kMpiAlgorithm};
    const std::vector<std::string_view> schedules = comm::schedules::allreduce_names();
    names.insert(names.end(), schedules.begin(), schedules.end());
    return names;
  }();
  return all;
}

bool needs_fp32(std::string_view algorithm) {
  const auto* const generator = comm::schedules::find_generator(algorithm);
  return algorithm == config::kMpiAlgorithm || (generator != nullptr && generator->exact_only);
}

config::Section<config::JobConfig> exchange_section() {
  std::vector<config::Key<config::Exchange>> keys = {
      config::field("codec", &config::Exchange::codec,
                    {.help = "What a gradient becomes on the wire.", .identity = config::Identity::always}),
      config::name_field(
          "algorithm", &config::Exchange::algorithm, algorithm_names(),
          {.help = "Who sends what to whom ([collectives.md](collectives.md)). \"mpi\": the library's "
                   "MPI_Allreduce, which like recursive_doubling needs codec fp32."}),
      config::field(
          "calibration", &config::Exchange::calibration,
          {.help = "The file that `eightfold bench link --calibration` wrote on this cluster: algorithm "
                   "\"auto\" takes what it measured to be fastest. Empty: a rule chooses. The log says why.",
           .only_with = {config::Condition{"algorithm", {config::kAutomaticAlgorithm}}}}),
      config::field_as<config::SizeField>(
          "bucket", &config::Exchange::bucket,
          {.help = "Gradients, counted in fp32, that are exchanged as one operation. Larger ones use "
                   "the network better, smaller ones can start earlier.",
           .unit = "bytes",
           .range = config::between(1 << 10, 1LL << 40)}),
      config::field("overlap", &config::Exchange::overlap,
                    {.help = "Exchange gradients while the backward pass still makes others."})};
  for (const auto& more : {precision_keys(), message_keys(), watching_keys()})
    keys.insert(keys.end(), more.begin(), more.end());
  return config::section("exchange", "How ranks add up their gradients.", &config::JobConfig::exchange,
                         std::move(keys));
}

}  // namespace eightfold::runtime::job
