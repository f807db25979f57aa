// Times that follow from the model by hand, and what must hold whatever they are.
#include "comm/simulator/simulator.hpp"

#include "comm/engine/engine.hpp"
#include "tests/comm/simulator/step.hpp"
#include "tests/support/test.hpp"

using namespace eightfold;
using comm::schedules::Topology;
using comm::simulator::Fabric;
using comm::simulator::simulate;
using comm::simulator::SimulatedStep;
using comm::simulator::SimulatedTimes;
using comm::simulator::StepOutline;
using quant8::Format;

namespace {

constexpr std::int64_t kElements = 2 * 10 * quant8::kBlock;  // two shards, a segment each
constexpr double kComputing = 0.010, kRate = 1e6;

// Two shards of fp32 between two ranks.
double shard_bytes() {
  return static_cast<double>(test::default_wire(Format::fp32, kernels::DeviceKind::host)(kElements / 2));
}
// That a shard takes at kRate.
double shard_s() {
  return shard_bytes() / kRate;
}

Fabric plain_fabric() {
  Fabric fabric;
  fabric.card_bytes_per_s = kRate;
  return fabric;
}

// All that is computed is computed before the first bucket is complete.
SimulatedStep plain_step(std::vector<std::int64_t> buckets) {
  SimulatedStep step;
  std::int64_t all = 0;
  for (const std::int64_t each : buckets) all += each;
  step.work = {{kComputing / 2, 0}, {kComputing / 2, all}};
  step.buckets = std::move(buckets);
  step.algorithm = "two_shot";
  return step;
}

Approx about(double seconds) {
  return Approx(seconds).epsilon(1e-6);
}

}  // namespace

TEST_CASE("a bucket between two ranks takes what its parts take, on a device and on the host") {
  for (const bool has_device : {true, false}) {
    Fabric fabric = plain_fabric();
    fabric.network_latency_s = 3e-3;
    fabric.message_s = 1e-4;
    fabric.send_s_per_byte = 2e-8;
    fabric.receive_s_per_byte = 5e-8;
    SimulatedStep step = plain_step({kElements});
    step.has_device = has_device;
    step.encode_s_per_element = 1e-7;
    step.decode_s_per_element = 3e-7;
    step.update_s_per_element = 4e-7;
    const SimulatedTimes times = simulate(fabric, 2, 1, step);
    const double half = kElements / 2.0, encode = half * 1e-7, decode = half * 3e-7,
                 update = kElements * 4e-7;
    const double message = 1e-4 + 2e-8 * shard_bytes() + shard_s() + 3e-3 + 5e-8 * shard_bytes();
    // Encoded, sent; the contribution decoded, the sum encoded and decoded, sent; decoded.
    const double exchange = encode + message + (decode + encode + decode) + message + decode;
    CHECK(times.step_s == about(kComputing + exchange + update));
    CHECK(times.exposed_s == about(exchange));
    CHECK(times.codec_s == about(2 * encode + 3 * decode));
    CHECK(times.wire_s == about(2 * shard_s()));
    CHECK(times.flows == 4);
  }
}

TEST_CASE("ranks that share a card share its rate") {
  Fabric fabric = plain_fabric();
  fabric.neighbour_bytes_per_s = 1e12;
  SimulatedStep step = plain_step({2 * kElements});
  const SimulatedTimes times = simulate(fabric, 2, 2, step);
  // Each of the two sends a shard to each of two others, twice.
  CHECK(times.wire_s == about(8 * shard_s()));
  CHECK(times.step_s == about(kComputing + 8 * shard_s()));
  fabric.cards = 2;
  CHECK(simulate(fabric, 2, 2, step).step_s == about(kComputing + 4 * shard_s()));
}

TEST_CASE(
    "what goes to neighbours and what goes to the card share the slot, unless there is a way beside it") {
  Fabric fabric = plain_fabric();
  fabric.card_bytes_per_s = 1e12;
  fabric.slot_bytes_per_s = kRate;
  fabric.node_latency_s = 2e-3;
  const SimulatedStep step = plain_step({3 * kElements / 2});
  CHECK(simulate(fabric, 1, 3, step).step_s == about(kComputing + 2 * (2 * shard_s() + 2e-3)));

  fabric.node_latency_s = 0;
  const SimulatedStep four = plain_step({2 * kElements});
  SimulatedTimes times = simulate(fabric, 2, 2, four);
  CHECK(times.wire_s == about(6 * shard_s()));
  CHECK(times.step_s == about(kComputing + 6 * shard_s()));
  fabric.neighbour_bytes_per_s = 2 * kRate;
  times = simulate(fabric, 2, 2, four);
  CHECK(times.wire_s == about(4 * shard_s()));
  CHECK(times.step_s == about(kComputing + 4 * shard_s()));
}

TEST_CASE("a switch's way up carries so many times less than its nodes send, and only what leaves it") {
  Fabric fabric = plain_fabric();
  fabric.nodes_per_switch = 1;
  fabric.oversubscription = 4;
  const SimulatedStep step = plain_step({kElements});
  SimulatedTimes times = simulate(fabric, 2, 1, step);
  CHECK(times.wire_s == about(8 * shard_s()));
  CHECK(times.step_s == about(kComputing + 8 * shard_s()));
  fabric.nodes_per_switch = 2;
  times = simulate(fabric, 2, 1, step);
  CHECK(times.step_s == about(kComputing + 2 * shard_s()));
}

TEST_CASE("what a card has saved while it rested it sends at once") {
  Fabric fabric = plain_fabric();
  fabric.burst_bytes = shard_bytes() / 2;
  const SimulatedStep step = plain_step({kElements});
  SimulatedTimes times = simulate(fabric, 2, 1, step);
  CHECK(times.step_s == about(kComputing + 1.5 * shard_s()));
  CHECK(times.bytes_sent.front() == static_cast<std::size_t>(2 * shard_bytes()));
  fabric.burst_bytes = 1e9;  // more than it can have saved: 10 ms at its rate
  times = simulate(fabric, 2, 1, step);
  CHECK(times.step_s == Approx(kComputing + 2 * shard_s() - kComputing).epsilon(1e-4));
}

TEST_CASE("ranks on the nodes of one machine share its cores") {
  Fabric fabric = plain_fabric();
  fabric.nodes_per_machine = 4;
  fabric.cores = 2;
  SimulatedStep step = plain_step({});
  step.has_device = false;
  CHECK(simulate(fabric, 2, 1, step).step_s == about(kComputing));
  CHECK(simulate(fabric, 4, 1, step).step_s == about(2 * kComputing));
  CHECK(simulate(fabric, 2, 3, step).step_s == about(3 * kComputing));
  CHECK(simulate(fabric, 8, 1, step).step_s == about(2 * kComputing));  // two machines
  step.has_device = true;
  CHECK(simulate(fabric, 4, 1, step).step_s == about(kComputing));
}

TEST_CASE("more work than cores takes longer by the slowdown of oversubscription") {
  Fabric fabric = plain_fabric();
  fabric.cores = 2;
  fabric.oversubscription_slowdown = 1.25;
  SimulatedStep step = plain_step({});
  step.has_device = false;
  CHECK(simulate(fabric, 2, 1, step).step_s == about(kComputing));
  CHECK(simulate(fabric, 3, 1, step).step_s == about(1.5 * 1.25 * kComputing));
  CHECK(simulate(fabric, 4, 1, step).step_s == about(2 * 1.25 * kComputing));
}

TEST_CASE("codecs keep a device from computing, and the engine's thread from nothing else") {
  Fabric fabric = plain_fabric();
  fabric.card_bytes_per_s = 1e12;
  SimulatedStep step = plain_step({kElements, kElements});
  step.work = {{kComputing, kElements}, {kComputing, 2 * kElements}};
  step.encode_s_per_element = 1e-7;
  step.decode_s_per_element = 1e-7;
  const double bucket_s = 5 * kElements / 2.0 * 1e-7;
  SimulatedTimes times = simulate(fabric, 2, 1, step);
  CHECK(times.step_s == Approx(2 * kComputing + 2 * bucket_s).epsilon(1e-4));
  CHECK(times.exposed_s == Approx(bucket_s).epsilon(1e-4));
  CHECK(times.codec_s == about(2 * bucket_s));
  step.has_device = false;
  times = simulate(fabric, 2, 1, step);
  CHECK(times.step_s == Approx(2 * kComputing + bucket_s).epsilon(1e-4));
  CHECK(times.exposed_s == Approx(bucket_s).epsilon(1e-4));
}

TEST_CASE("more buckets than the engine has under way come after each other") {
  constexpr std::size_t kBuckets = 3 * comm::engine::Engine::kUnderWay + 1;
  const SimulatedStep step = plain_step(std::vector<std::int64_t>(kBuckets, kElements));
  const SimulatedTimes times = simulate(plain_fabric(), 2, 1, step);
  CHECK(times.step_s == about(kComputing + 2 * kBuckets * shard_s()));
  CHECK(times.bytes_sent.front() == kBuckets * static_cast<std::size_t>(2 * shard_bytes()));
  CHECK(times.flows == 4 * kBuckets);
}

TEST_CASE("long shards travel in segments, which overlap") {
  // Eight segments of 48 KiB a shard: the last one is decoded after the wire, the others beside it.
  const comm::schedules::WireSize wire = test::default_wire(Format::fp32, kernels::DeviceKind::host);
  constexpr std::int64_t kShard = 8 * 46 * quant8::kBlock;
  SimulatedStep step = plain_step({2 * kShard});
  step.has_device = false;
  step.encode_s_per_element = 1e-9;
  const SimulatedTimes times = simulate(plain_fabric(), 2, 1, step);
  const double shard_s = static_cast<double>(wire(kShard)) / kRate;
  CHECK(times.flows % 32 == 0);
  CHECK(times.step_s > kComputing + 2 * shard_s);
  CHECK(times.step_s < kComputing + 2 * shard_s + kShard * 1e-9);
}

TEST_CASE("without buckets, or without another rank, a step is what it computes") {
  CHECK(simulate(plain_fabric(), 3, 2, plain_step({})).step_s == about(kComputing));
  SimulatedStep step = plain_step({kElements, 0, 1});
  step.encode_s_per_element = step.decode_s_per_element = 1;
  step.update_s_per_element = 1e-6;
  const SimulatedTimes times = simulate(plain_fabric(), 1, 1, step);
  CHECK(times.step_s == about(kComputing + (kElements + 1) * 1e-6));
  CHECK(times.exposed_s == 0);
  CHECK(times.codec_s == 0);
  CHECK(times.bytes_sent == std::vector<std::size_t>{0});
  CHECK(times.flows == 0);
}

TEST_CASE("every algorithm ends on every topology, with the bytes of its formula, and the same way twice") {
  Fabric fabric = plain_fabric();
  fabric.network_latency_s = 1e-5;
  fabric.slot_bytes_per_s = 3 * kRate;
  fabric.message_s = 1e-6;
  for (const Format format : {Format::fp32, Format::dynamic_tree8})
    for (const auto* generator : test::allreduces(format))
      for (const auto& [nodes, each] : {std::pair(1, 1),
                                        {2, 1},
                                        {3, 1},
                                        {1, 4},
                                        {2, 2},
                                        {5, 1},
                                        {1, 5},
                                        {8, 1},
                                        {2, 4},
                                        {4, 2},
                                        {3, 3}}) {
        SimulatedStep step = plain_step({5003, 1, 0, 256, 20000});
        step.format = format;
        step.encode_s_per_element = step.decode_s_per_element = 1e-9;
        step.algorithm = generator->name;
        const SimulatedTimes times = simulate(fabric, nodes, each, step);
        INFO(to_string(format) << ", " << generator->name << ", " << nodes << " nodes of " << each);
        CHECK(times.step_s >= kComputing);
        CHECK(times.exposed_s <= times.step_s);
        CHECK(kComputing + times.wire_s <= times.step_s * (1 + 1e-9));
        const Topology topology = Topology::uniform(nodes, each);
        const comm::schedules::WireSize wire = test::default_wire(format, kernels::DeviceKind::cuda);
        REQUIRE(times.bytes_sent.size() == static_cast<std::size_t>(topology.ranks()));
        for (int rank = 0; rank < topology.ranks(); ++rank) {
          std::size_t bytes = 0;
          for (const std::int64_t elements : step.buckets)
            bytes += generator->cost({topology, rank, elements}, wire).bytes_sent;
          CHECK(times.bytes_sent[static_cast<std::size_t>(rank)] == bytes);
        }
        const SimulatedTimes again = simulate(fabric, nodes, each, step);
        CHECK(again.step_s == times.step_s);
        CHECK(again.exposed_s == times.exposed_s);
        CHECK(again.codec_s == times.codec_s);
        CHECK(again.wire_s == times.wire_s);
        CHECK(again.bytes_sent == times.bytes_sent);
        CHECK(again.flows == times.flows);
      }
}

TEST_CASE("the engine pays for every shard of a flow, as for the message that the executor sends") {
  // Two nodes of two ranks: each rail has two shards, which a neighbour sends as one flow.
  Fabric fabric = plain_fabric();
  fabric.card_bytes_per_s = 1e15;
  fabric.message_s = 1e-3;
  SimulatedStep step = plain_step({kElements});
  step.algorithm = "hierarchical";
  const SimulatedTimes times = simulate(fabric, 2, 2, step);
  // Inside 2 messages, across 1, across the sealed one, inside 2; each waits for the one before.
  CHECK(times.step_s == about(kComputing + 6e-3));
  CHECK(times.flows == 4 * 4);
}

TEST_CASE("schedules that would fill the memory are refused before they are made") {
  SimulatedStep step = plain_step({kElements});
  CHECK(schedule_steps(2, 1, step) == 2 * 5);  // sends, seals, sends, and receives twice
  CHECK_THROWS_AS(simulate(plain_fabric(), 5000, 1, step), eightfold::base::ConfigError);
}

TEST_CASE("what is known of a step before it is played is what playing it finds, or less") {
  const Fabric fabric = plain_fabric();
  for (const char* algorithm : {"two_shot", "hierarchical", "ring", "recursive_doubling"}) {
    for (const auto& [nodes, ranks] : {std::pair(2, 1), std::pair(4, 2), std::pair(3, 3)}) {
      CAPTURE(algorithm, nodes, ranks);
      SimulatedStep step = plain_step({kElements, kElements, kElements / 2});
      step.algorithm = algorithm;
      const StepOutline known = outline(fabric, nodes, ranks, step);
      const SimulatedTimes times = simulate(fabric, nodes, ranks, step);
      CHECK(known.least_s > kComputing);
      CHECK(known.least_s <= times.step_s * (1 + 1e-9));
      CHECK(known.messages <=
            2 * times.flows);  // flows are segments, or fewer where the first rank sends most
    }
  }
}

TEST_CASE("the outline of two nodes is their bytes over their cards' rate") {
  const Fabric fabric = plain_fabric();
  SimulatedStep step = plain_step({kElements});
  const StepOutline known = outline(fabric, 2, 1, step);
  CHECK(known.messages == 2 * 2);  // half of the bucket there, the sum of the other half there, by both
  CHECK(known.at_once == 1);
  const double bytes = 2 * static_cast<double>(quant8::wire_bytes({step.format}, kElements / 2));
  CHECK(known.least_s == about(kComputing + bytes / fabric.card_bytes_per_s));
  CHECK(outline(fabric, 8, 1, step).at_once == 7);
  CHECK(outline(fabric, 1, 2, step).least_s == about(kComputing));
}

TEST_CASE("an algorithm that does not exist, or does not suit the format, is refused") {
  SimulatedStep step = plain_step({kElements});
  step.algorithm = "tree";
  CHECK_THROWS_AS(simulate(plain_fabric(), 2, 1, step), base::ConfigError);
  step.algorithm = "recursive_doubling";
  step.format = Format::bf16;
  CHECK_THROWS_AS(simulate(plain_fabric(), 2, 1, step), base::ConfigError);
}
