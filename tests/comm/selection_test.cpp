#include "comm/selection.hpp"

#include "tests/support/test.hpp"

using namespace eightfold;
using comm::schedules::Topology;
using quant8::Format;

namespace {

// a costs a millisecond and a second per GiB, b a tenth and three: they meet at 483 KiB or so.
comm::measure::Calibration calibration() {
  comm::measure::Calibration made;
  made.ranks = made.nodes = 4;
  made.date = "today";
  for (const std::size_t bytes : {1U << 10, 1U << 16, 1U << 19, 1U << 26}) {
    const double gib = static_cast<double>(bytes) / (1 << 30);
    made.allreduces.push_back({"a", Format::linear8, bytes, 1e-3 + gib});
    made.allreduces.push_back({"b", Format::linear8, bytes, 1e-4 + 3 * gib});
  }
  made.allreduces.push_back({"a", Format::bf16, 1 << 20, 2e-3});
  made.allreduces.push_back({"c", Format::bf16, 1 << 20, 1e-3});
  return made;
}

std::string chosen(Format format, std::size_t bytes, int nodes, const comm::measure::Calibration* measured) {
  return comm::select_algorithm(format, bytes, Topology::uniform(nodes, 1), measured).algorithm;
}

}  // namespace

TEST_CASE(
    "auto is what was measured to be fastest, on both sides of the crossover and beyond the sizes measured") {
  const comm::measure::Calibration measured = calibration();
  CHECK(chosen(Format::linear8, 1, 4, &measured) == "b");
  CHECK(chosen(Format::linear8, 0, 4, &measured) == "b");
  CHECK(chosen(Format::linear8, 1 << 10, 4, &measured) == "b");
  CHECK(chosen(Format::linear8, 300 << 10, 4, &measured) == "b");
  CHECK(chosen(Format::linear8, 600 << 10, 4, &measured) == "a");
  CHECK(chosen(Format::linear8, 1 << 26, 4, &measured) == "a");
  CHECK(chosen(Format::linear8, std::size_t{1} << 34, 4, &measured) == "a");
}

TEST_CASE("a size that was measured alone says something of all sizes") {
  const comm::measure::Calibration measured = calibration();
  CHECK(chosen(Format::bf16, 4, 4, &measured) == "c");
  CHECK(chosen(Format::bf16, 1 << 30, 4, &measured) == "c");
}

TEST_CASE("a calibration of another cluster, or without the format, is not used, and the log says why") {
  const comm::measure::Calibration measured = calibration();
  CHECK(chosen(Format::linear8, 1 << 20, 3, &measured) == "two_shot");
  CHECK(chosen(Format::fp32, 1 << 26, 4, &measured) == "two_shot");
  const auto reason = [&](Format format, int nodes) {
    return comm::select_algorithm(format, 1 << 20, Topology::uniform(nodes, 1), &measured).reason;
  };
  CHECK(reason(Format::linear8, 3).find("4 ranks on 4 nodes, the job has 3 on 3") != std::string::npos);
  CHECK(reason(Format::fp32, 4).find("no times for fp32") != std::string::npos);
}

TEST_CASE("without a calibration short fp32 is MPI's, and nodes with several ranks add up first") {
  CHECK(chosen(Format::fp32, 1 << 10, 4, nullptr) == "mpi");
  CHECK(chosen(Format::fp32, 1 << 20, 4, nullptr) == "two_shot");
  CHECK(chosen(Format::dynamic_tree8, 1 << 10, 4, nullptr) == "two_shot");
  CHECK(comm::select_algorithm(Format::bf16, 1 << 20, Topology::uniform(2, 4), nullptr).algorithm ==
        "hierarchical");
  CHECK(comm::select_algorithm(Format::bf16, 1 << 20, Topology::uniform(1, 4), nullptr).algorithm ==
        "two_shot");
}
