#pragma once

// The algorithm that a name stands for; "auto" is such a name. Every rank selects alike: from what all of
// them know.

#include "comm/measure/calibration.hpp"
#include "comm/schedules/generators.hpp"
#include "comm/schedules/topology.hpp"
#include "quant8/format.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace eightfold::comm {

struct Selection {
  std::string algorithm;
  std::string reason;  // for the log
};

// For buckets of `bytes` logical bytes. With a calibration of as many ranks and nodes: the algorithm whose
// measured times, interpolated between sizes, are the shortest. Without one (null), or without times for the
// format: "mpi" for short buckets in fp32, "hierarchical" if every node has several ranks, "two_shot" else.
Selection select_algorithm(quant8::Format format, std::size_t bytes, const schedules::Topology& topology,
                           const measure::Calibration* calibration);

// True if there is an allreduce of this name that suits the format.
bool is_allreduce(std::string_view algorithm, quant8::Format format);
// The allreduce of this name, for any format it suits. Throws ConfigError that names those there are.
const schedules::Generator& allreduce_generator(std::string_view algorithm, quant8::Format format);

}  // namespace eightfold::comm
