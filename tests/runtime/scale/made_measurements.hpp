#pragma once

// Measurements without a cluster.

#include "runtime/scale/measurement.hpp"

#include <string>
#include <vector>

namespace eightfold::test {

// Samples: of every rank in weak scaling, of four ranks together in strong scaling.
inline constexpr int kBatch = 128;

inline runtime::scale::Point point(int nodes, const std::string& codec,
                                   runtime::scale::BatchPolicy policy = runtime::scale::BatchPolicy::weak) {
  runtime::scale::Point made;
  made.nodes = nodes;
  made.codec = codec;
  made.algorithm = "two_shot";
  made.policy = policy;
  made.global_batch = kBatch * (policy == runtime::scale::BatchPolicy::weak ? nodes : 4);
  return made;
}

// A repeat for each step time: computing takes 8 ms of it at most, the codec 1 ms.
inline void add(std::vector<runtime::scale::Measurement>& all, const runtime::scale::Point& point,
                const std::vector<double>& steps_ms) {
  for (std::size_t i = 0; i < steps_ms.size(); ++i) {
    runtime::scale::Measurement& made = all.emplace_back();
    made.point = point;
    made.repeat = static_cast<int>(i);
    made.date = "2026-11-21T09-30-05Z";
    const double compute_ms = steps_ms[i] < 8 ? steps_ms[i] : 8;
    made.figures = {steps_ms[i], compute_ms, steps_ms[i] - compute_ms,
                    steps_ms[i], 1,          1e3 * static_cast<double>(point.global_batch) / steps_ms[i]};
    made.environment = R"({"eightfold": "0.1.0", "hosts": "a,b", "device": "host"})";
  }
}

inline void add_failure(std::vector<runtime::scale::Measurement>& all, const runtime::scale::Point& point,
                        const std::string& why) {
  runtime::scale::Measurement& made = all.emplace_back();
  made.point = point;
  made.failure = why;
  made.environment = "{}";
}

}  // namespace eightfold::test
