#pragma once

// One format at one size: times its operations one after the other, again and again, and compares their
// results with the reference. All work is enqueued on a stream and timed by events, on any device.

#include "kernels/buffer.hpp"
#include "kernels/stream.hpp"
#include "quant8/codec.hpp"
#include "quant8/fidelity.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace eightfold::launch::bench {

// Values and memory that all trials of a size share.
struct TrialData {
  TrialData(kernels::StreamView stream, std::vector<float> values);

  std::size_t elements() const { return host_values.size(); }
  std::span<const float> on_device() const { return {values.data(), elements()}; }

  std::vector<float> host_values;
  kernels::Buffer<float> values;   // the same on the device
  kernels::Buffer<float> scratch;  // target of decodings, fills and copies
  kernels::Buffer<std::uint32_t> largest;
};

class CodecTrial {
 public:
  // Encoded shards in a fused sum.
  static constexpr std::size_t kShards = 4;

  CodecTrial(kernels::StreamView stream, const quant8::Encoding& encoding, TrialData& data);

  // Times each operation once.
  void run();
  // The same without timing: touches all memory and fills the caches.
  void warm_up();
  // Compares the results of the last run() with the reference's. Throws InternalError where a bit differs.
  quant8::Fidelity verify() const;

  // Seconds of the operations, one for each run().
  struct Times {
    std::vector<double> encode, decode, fused, read, fill, memcpy;
  };
  const Times& times() const { return times_; }
  const quant8::Encoding& encoding() const { return codec_->encoding(); }

 private:
  using Bytes = kernels::Buffer<std::uint8_t>;

  Bytes make_segment() const;
  void encode_shards();
  std::vector<quant8::Contribution> contributions() const;
  template <class Work>
  void time(std::vector<double>& seconds, const Work& work);

  kernels::StreamView stream_;
  TrialData& data_;
  std::unique_ptr<quant8::Codec> codec_;
  Bytes segment_, sum_;
  std::vector<Bytes> shards_;
  kernels::Event begin_, end_;
  Times times_;
};

}  // namespace eightfold::launch::bench
