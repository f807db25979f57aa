#pragma once

// The oracle of the executor: runs the schedules of all ranks in one process by the rules of
// comm/schedules/schedule.hpp. Rounds follow each other; there is no transport, segment or pipeline. With the
// reference codec it is slow and has nothing in common with the executor but the schedule.

#include "comm/schedules/schedule.hpp"
#include "quant8/codec.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace eightfold::comm::executor {

// Segments do not show in what a collective computes, as long as scales belong to blocks: the codec's do.
struct ReferenceRun {
  const quant8::Codec& codec;  // of the host
  // Its stage, rank and first element are filled in here; they matter to stochastic rounding alone.
  quant8::RoundingKey rounding;
  std::int64_t first =
      0;  // the bucket's elements [first, first + count) are computed; a multiple of the block
  std::int64_t count = 0;
  float factor = 1;  // of the last sum, before it is encoded
};

// values[rank] has `count` elements: what the rank contributes, then what it has. So has residuals[rank], the
// error feedback's; or there are none at all. Throws InternalError if the schedules come to a standstill.
void run_reference(std::span<const schedules::Schedule> schedules, const ReferenceRun& run,
                   std::span<std::vector<float>> values, std::span<std::vector<float>> residuals);

}  // namespace eightfold::comm::executor
