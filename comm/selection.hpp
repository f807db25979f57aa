#pragma once

// Which algorithm "auto" stands for. Every rank selects alike: from what all of them know.

#include "comm/calibration.hpp"
#include "comm/topology.hpp"
#include "quant8/format.hpp"

#include <cstddef>
#include <string>

namespace eightfold::comm {

struct Selection {
  std::string algorithm;
  std::string reason;  // for the log
};

// For buckets of `bytes` logical bytes. With a calibration of as many ranks and nodes: the algorithm whose
// measured times, interpolated between sizes, are the shortest. Without one (null), or where it says nothing
// of the format: "mpi" for short buckets in fp32, "hierarchical" where nodes have several ranks each,
// "two_shot" else.
Selection select_algorithm(quant8::Format format, std::size_t bytes, const Topology& topology,
                           const Calibration* calibration);

}  // namespace eightfold::comm
