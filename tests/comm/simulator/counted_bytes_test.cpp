// The bytes of a simulation are those that the executor hands to its transport. All ranks of the executor are
// in this process, over a network of its own: simulations fork, and MPI would not survive that. Under MPI,
// codec_exchange_test.cpp compares what is sent with the schedules.

#include "tests/comm/executor/local_job.hpp"
#include "tests/comm/simulator/step.hpp"
#include "tests/support/test.hpp"

using namespace eightfold;
using comm::schedules::Topology;
using quant8::Format;

namespace {

// What each rank sends of one bucket.
std::vector<std::size_t> counted(std::string_view algorithm, const Topology& topology, Format format,
                                 std::int64_t elements) {
  test::LocalJob job({.algorithm = algorithm,
                      .topology = topology,
                      .elements = elements,
                      .encoding = {format},
                      .has_residual = quant8::bits_of(format) < 8,
                      .segment = comm::executor::segment_elements(*quant8::make_codec({}, {format}),
                                                                  comm::default_segment_bytes({})),
                      .longest_delay = 2});
  job.run(0);
  return job.network().bytes_sent;
}

}  // namespace

TEST_CASE("simulated bytes are those that the executor sends") {
  const std::vector<std::int64_t> buckets = {1, 255, 256, 1000, 4099, 0, 50'001};
  comm::simulator::Fabric fabric;
  fabric.card_bytes_per_s = 1e9;
  for (const Format format : {Format::fp32, Format::bf16, Format::dynamic_tree8, Format::one_bit})
    for (const auto* generator : test::allreduces(format))
      for (const auto& [nodes, each] : {std::pair(2, 1), {1, 2}, {3, 1}, {1, 3}, {4, 1}, {2, 2}, {1, 4}}) {
        comm::simulator::SimulatedStep step;
        step.buckets = buckets;
        step.work = {{1e-3, 1 << 20}};
        step.format = format;
        step.has_device = false;
        step.algorithm = generator->name;
        const Topology topology = Topology::uniform(nodes, each);
        std::vector<std::size_t> bytes(static_cast<std::size_t>(topology.ranks()));
        for (const std::int64_t elements : buckets) {
          const std::vector<std::size_t> of_bucket = counted(generator->name, topology, format, elements);
          for (std::size_t rank = 0; rank < bytes.size(); ++rank) bytes[rank] += of_bucket[rank];
        }
        INFO(to_string(format) << ", " << generator->name << ", " << nodes << " nodes of " << each);
        CHECK(simulate(fabric, nodes, each, step).bytes_sent == bytes);
      }
}
