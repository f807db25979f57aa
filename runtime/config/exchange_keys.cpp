#include "runtime/config/exchange_keys.hpp"

#include "runtime/config/field.hpp"
#include "runtime/config/ranges.hpp"

namespace eightfold::runtime::config {
namespace {

// The codecs that are so.
Condition with_codec(bool (*is_so)(Codec)) {
  std::vector<std::string_view> names;
  for (const Codec codec : quant8::all_formats())
    if (is_so(codec)) names.push_back(to_string(codec));
  return {"codec", std::move(names)};
}

// What the exchange's own algorithms need, and MPI_Allreduce has not.
std::vector<Key<Exchange>> message_keys() {
  const std::vector<Condition> own = {
      {"algorithm", {"auto", "two_shot", "hierarchical", "ring", "recursive_doubling"}}};
  return {
      field_as<SizeField>(
          "segment", &Exchange::segment,
          {.help = "Encoded gradients in one message, at most; 0B: 48KiB on the host, 1MiB on "
                   "a GPU.",
           .unit = "bytes",
           .range = between(0, 1 << 30),
           .only_with = own}),
      field("transport", &Exchange::transport,
            {.help = "Which memory messages are sent from: \"staged\": the host's, from and to which a GPU "
                     "copies; \"direct\": a GPU's own; \"auto\": direct where MPI claims to know GPU memory "
                     "and proves it "
                     "([collectives.md](collectives.md#transports)), else staged.",
             .only_with = own}),
      field("paranoid", &Exchange::paranoid,
            {.help = "Sends a hash of 8 bytes with every message; the receiver ends the job with exit code 7 "
                     "if they changed on their way. On the host: the messages of a GPU carry none.",
             .only_with = own})};
}

// What a gradient loses on its way, and what is done about it.
std::vector<Key<Exchange>> precision_keys() {
  const Condition lossy = with_codec([](Codec codec) { return codec != Codec::fp32; });
  const Condition levelled = with_codec([](Codec codec) { return quant8::has_levels(codec); });
  const Condition scaled = with_codec([](Codec codec) { return quant8::has_scales(codec); });
  return {field("error_feedback", &Exchange::error_feedback,
                {.help = "Whether a rank adds to a gradient what the encodings of earlier steps lost of it; "
                         "\"auto\": with linear4 and one-bit.",
                 .only_with = {lossy},
                 .identity = Identity::always}),
          field("rounding", &Exchange::rounding,
                {.help = "To the nearest level, or to one of the two around a value at random (from the "
                         "seed), so that the mean is exact.",
                 .only_with = {levelled},
                 .identity = Identity::always}),
          field("scaling", &Exchange::scaling,
                {.help = "What shares a scale: a block of 256 gradients or, as in the 2016 paper, all that "
                         "travel in one message.",
                 .only_with = {scaled},
                 .identity = Identity::always})};
}

// How the exchange is watched.
std::vector<Key<Exchange>> watching_keys() {
  return {field("verify", &Exchange::verify,
                {.help = "Adds up every bucket in fp32 as well, and reports the error of the exchange. For "
                         "trials: it takes longer than the exchange itself."}),
          field("replica_check", &Exchange::replica_check,
                {.help = "After so many steps the ranks compare hashes of their weights; one that differs "
                         "ends the job with exit code 7. 0: only before checkpoints and at the end.",
                 .unit = "steps",
                 .range = at_least(0)})};
}

}  // namespace

Section<JobConfig> exchange_section() {
  std::vector<Key<Exchange>> keys = {
      field("codec", &Exchange::codec,
            {.help = "What a gradient becomes on the wire.", .identity = Identity::always}),
      field("algorithm", &Exchange::algorithm,
            {.help = "Who sends what to whom ([collectives.md](collectives.md)). \"mpi\": the library's "
                     "MPI_Allreduce, which like recursive_doubling needs codec fp32."}),
      field(
          "calibration", &Exchange::calibration,
          {.help = "The file that `eightfold bench link --calibration` wrote on this cluster: algorithm "
                   "\"auto\" takes what it measured to be fastest. Empty: a rule chooses. The log says why.",
           .only_with = {Condition{"algorithm", {"auto"}}}}),
      field_as<SizeField>(
          "bucket", &Exchange::bucket,
          {.help = "Gradients, counted in fp32, that are exchanged as one operation. Larger ones use "
                   "the network better, smaller ones can start earlier.",
           .unit = "bytes",
           .range = between(1 << 10, 1LL << 40)}),
      field("overlap", &Exchange::overlap,
            {.help = "Exchange gradients while the backward pass still makes others."})};
  for (const auto& more : {precision_keys(), message_keys(), watching_keys()})
    keys.insert(keys.end(), more.begin(), more.end());
  return section("exchange", "How ranks add up their gradients.", &JobConfig::exchange, std::move(keys));
}

}  // namespace eightfold::runtime::config
