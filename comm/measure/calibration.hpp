#pragma once

// A cluster's measured speeds. `eightfold bench link` writes them, and `auto` chooses an algorithm from them.
// The file is JSON with exactly the names below, so that what somebody misspelt is an error and not a
// default. Ranks must choose alike: rank 0 reads, everybody gets its text.

#include "comm/measure/link.hpp"
#include "comm/mpi/communicator.hpp"
#include "quant8/format.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace eightfold::comm::measure {

// Logical bytes that one rank encodes and decodes in a second, all ranks at it at once.
struct CodecSpeed {
  quant8::Format format = quant8::Format::fp32;
  double encode_bytes_per_s = 0;
  double decode_bytes_per_s = 0;

  friend bool operator==(const CodecSpeed&, const CodecSpeed&) = default;
};

// The time of a bucket's allreduce, through the engine as in a job.
struct AllreduceTime {
  std::string algorithm;
  quant8::Format format = quant8::Format::fp32;
  std::size_t size_bytes = 0;  // logical
  double time_s = 0;           // the median of repeats, of the slowest rank

  friend bool operator==(const AllreduceTime&, const AllreduceTime&) = default;
};

struct Calibration {
  static constexpr int kVersion = 1;

  // The place and time of the measurement, for people.
  std::string machine;  // its processor
  std::string device;   // of the codecs
  std::vector<std::string> hosts;
  std::string date;
  int ranks = 1;
  int nodes = 1;

  // Between two ranks of one node, and of two; nothing where there are no such ranks.
  std::optional<LinkModel> same_node;
  std::optional<LinkModel> other_node;
  // Bytes that a rank sends, and receives, per second while all ranks do.
  double exchange_bytes_per_s = 0;
  std::vector<CodecSpeed> codecs;
  std::vector<AllreduceTime> allreduces;

  friend bool operator==(const Calibration&, const Calibration&) = default;
};

std::string calibration_text(const Calibration& calibration);

// Throws DataError that begins with `file` and says what is wrong and what is allowed.
Calibration parse_calibration(const std::string& file, const std::string& text);

// Rank 0 reads the file, everybody gets the same. Collective; errors are agreed.
Calibration share_calibration(mpi::Communicator& communicator, const std::filesystem::path& file);

}  // namespace eightfold::comm::measure
