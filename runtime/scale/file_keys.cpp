#include "runtime/scale/file_keys.hpp"

#include "runtime/config/field.hpp"
#include "runtime/config/ranges.hpp"

// An explicit specialisation belongs to the namespace of its template.
namespace eightfold::runtime::config {

template <>
inline constexpr std::array<std::string_view, 2> kNames<scale::WorkloadDevice> = {"host", "cuda"};

}  // namespace eightfold::runtime::config

namespace eightfold::runtime::scale {
namespace {

using comm::simulator::Fabric;
using config::between;
using config::field;
using config::field_as;
using config::Microseconds;
using config::Milliseconds;
using config::Nanoseconds;
using config::not_negative;
using config::Range;
using config::Section;
using config::TextRule;

// Faster than any wire and any memory by far.
constexpr double kFastest = 1e15;

Range rate() {
  return between(1, kFastest);
}
Range rate_or_none() {
  return between(0, kFastest);
}
Range per_number_ns() {
  return between(0, 1e6);  // interpreted kernels under a sanitizer take thousands
}

Section<Fabric> fabric_section() {
  return {"fabric",
          "What the file describes.",
          {field("name", &Fabric::name,
                 {.help = "What tables and reports call it.", .text = TextRule::name, .required = true}),
           field("description", &Fabric::description, {.help = "For readers."})}};
}

Section<Fabric> network_section() {
  return {"network",
          "What joins the nodes.",
          {field("cards", &Fabric::cards,
                 {.help = "Network cards of a node. GPU l uses card l mod cards.", .range = between(1, 64)}),
           field("bytes_per_s", &Fabric::card_bytes_per_s,
                 {.help = "What a card carries each way, of payload.",
                  .unit = "bytes/s",
                  .range = rate(),
                  .required = true}),
           field_as<Microseconds>(
               "latency_us", &Fabric::network_latency_s,
               {.help = "From a node to another.", .unit = "us", .range = not_negative(), .required = true}),
           field("burst_bytes", &Fabric::burst_bytes,
                 {.help = "What a card sends at once after a pause: the credit of a shaped link.",
                  .unit = "bytes",
                  .range = between(0, 1e12)}),
           field("nodes_per_switch", &Fabric::nodes_per_switch,
                 {.help = "Nodes under a switch, where one more switch joins those; 0: a single switch, "
                          "which never blocks.",
                  .range = between(0, 1e6)}),
           field("oversubscription", &Fabric::oversubscription,
                 {.help = "What the nodes under a switch can send together, over what its way up carries.",
                  .range = between(1, 1e3)})}};
}

Section<Fabric> node_section() {
  return {"node",
          "What joins the GPUs of a node.",
          {field("slot_bytes_per_s", &Fabric::slot_bytes_per_s,
                 {.help = "What the slot (PCIe) of a GPU carries each way, to its neighbours and to the "
                          "cards; 0: no limit.",
                  .unit = "bytes/s",
                  .range = rate_or_none()}),
           field("neighbour_bytes_per_s", &Fabric::neighbour_bytes_per_s,
                 {.help = "What a GPU sends to and receives from its neighbours beside the slot (NVLink); 0: "
                          "they are reached through the slot.",
                  .unit = "bytes/s",
                  .range = rate_or_none()}),
           field_as<Microseconds>(
               "latency_us", &Fabric::node_latency_s,
               {.help = "From a GPU to its neighbour.", .unit = "us", .range = not_negative()})}};
}

Section<Fabric> engine_section() {
  return {
      "engine",
      "Processor time that a rank's engine spends on messages.",
      {field_as<Microseconds>(
           "message_us", &Fabric::message_s,
           {.help = "For each message that it sends.", .unit = "us", .range = not_negative()}),
       field_as<Nanoseconds>(
           "send_ns_per_byte", &Fabric::send_s_per_byte,
           {.help = "For each byte sent to another node.", .unit = "ns", .range = per_number_ns()}),
       field_as<Nanoseconds>("receive_ns_per_byte", &Fabric::receive_s_per_byte,
                             {.help = "For each byte received.", .unit = "ns", .range = per_number_ns()})}};
}

Section<Fabric> machine_section() {
  return {
      "machine",
      "Nodes that share processors, such as network namespaces. Without it every rank has cores of its "
      "own; ranks with a GPU have one for their engine in any case.",
      {field("nodes", &Fabric::nodes_per_machine,
             {.help = "So many nodes are one machine; 0: all of them.", .range = between(0, 1e6)}),
       field("cores", &Fabric::cores, {.help = "Cores that they have together.", .range = between(0, 1e6)}),
       field("oversubscription_slowdown", &Fabric::oversubscription_slowdown,
             {.help = "Where there is more work at once than cores, how much longer it takes than with the "
                      "cores divided evenly.",
              .range = between(1, 100),
              .formerly = "crowding"})}};
}

Section<Workload> workload_section() {
  return {"workload",
          "What one rank does in a step.",
          {field("name", &Workload::name,
                 {.help = "What tables and reports call it.", .text = TextRule::name, .required = true}),
           field("description", &Workload::description, {.help = "For readers."}),
           field("machine", &Workload::machine, {.help = "Where a profile was taken."}),
           field("date", &Workload::date, {.help = "When it was."}),
           field("device", &Workload::device,
                 {.help = "\"cuda\": codec kernels run on the GPU that computes, which computes nothing "
                          "meanwhile. \"host\": the engine's thread encodes, on the cores that compute.",
                  .required = true}),
           field("batch", &Workload::batch,
                 {.help = "Samples of one rank in a step.",
                  .unit = "samples",
                  .range = config::at_least(1),
                  .required = true}),
           field_as<Milliseconds>(
               "other_ms", &Workload::other_s,
               {.help = "Of the step, before the first layer.", .unit = "ms", .range = not_negative()}),
           field_as<Nanoseconds>(
               "update_ns_per_parameter", &Workload::update_s_per_parameter,
               {.help = "The optimizer's; 0 leaves it out.", .unit = "ns", .range = per_number_ns()})}};
}

Section<Workload> memory_section() {
  return {"memory",
          "What codecs cost that are not listed: an encode or a decode moves 4 bytes and those on the wire.",
          {field("bytes_per_s", &Workload::memory_bytes_per_s,
                 {.help = "The device's memory bandwidth; 0: not known.",
                  .unit = "bytes/s",
                  .range = rate_or_none()}),
           field("codec_share", &Workload::codec_share,
                 {.help = "The part of it that codecs reach.", .range = between(1e-3, 1)})}};
}

Section<CodecCost> all_codec_keys() {
  return {"codec",
          "One heading per format that was measured or published.",
          {field("format", &CodecCost::format, {.help = "As in exchange.codec.", .required = true}),
           field_as<Nanoseconds>(
               "encode_ns", &CodecCost::encode_s,
               {.help = "For each number.", .unit = "ns", .range = per_number_ns(), .required = true}),
           field_as<Nanoseconds>("decode_ns", &CodecCost::decode_s,
                                 {.help = "For each number; to decode and add is one decode.",
                                  .unit = "ns",
                                  .range = per_number_ns(),
                                  .required = true})}};
}

Section<LayerTimes> all_layer_keys() {
  return {
      "layer",
      "One heading per layer, from the input to the loss.",
      {field("name", &LayerTimes::name,
             {.help = "What reports call it.", .text = TextRule::filled, .required = true}),
       field("parameters", &LayerTimes::parameters,
             {.help = "Numbers in its gradient.", .range = between(0, 1e12), .required = true}),
       field_as<Milliseconds>(
           "forward_ms", &LayerTimes::forward_s,
           {.help = "Its forward pass.", .unit = "ms", .range = not_negative(), .required = true}),
       field_as<Milliseconds>("backward_ms", &LayerTimes::backward_s,
                              {.help = "Its backward pass: the gradients of its parameters and of its input.",
                               .unit = "ms",
                               .range = not_negative(),
                               .required = true})}};
}

}  // namespace

const std::vector<Section<Fabric>>& fabric_sections() {
  static const std::vector<Section<Fabric>> sections = {fabric_section(), network_section(), node_section(),
                                                        engine_section(), machine_section()};
  return sections;
}

const std::vector<Section<Workload>>& workload_sections() {
  static const std::vector<Section<Workload>> sections = {workload_section(), memory_section()};
  return sections;
}

const Section<CodecCost>& codec_section() {
  static const Section<CodecCost> section = all_codec_keys();
  return section;
}

const Section<LayerTimes>& layer_section() {
  static const Section<LayerTimes> section = all_layer_keys();
  return section;
}

const config::Layout& file_layout() {
  static const config::Layout layout = [] {
    config::Layout all;
    for (const auto& section : workload_sections()) all.push_back(config::table_facts(section));
    all.push_back(config::table_facts(codec_section(), true));
    all.push_back(config::table_facts(layer_section(), true));
    for (const auto& section : fabric_sections()) all.push_back(config::table_facts(section));
    return all;
  }();
  return layout;
}

}  // namespace eightfold::runtime::scale
