#include "launch/bench/codec_trial.hpp"

#include "kernels/base/error.hpp"
#include "quant8/memory_bound.hpp"
#include "quant8/reference.hpp"

#include <algorithm>
#include <string_view>

namespace eightfold::launch::bench {
namespace {

using quant8::Codec;
using quant8::Contribution;

std::span<std::byte> bytes_of(const kernels::Buffer<std::uint8_t>& buffer) {
  return {reinterpret_cast<std::byte*>(buffer.data()), buffer.size()};
}

// A copy of the buffer on the host.
template <class Value>
kernels::PinnedBuffer<Value> fetched(kernels::StreamView stream, const kernels::Buffer<Value>& buffer) {
  kernels::PinnedBuffer<Value> copy(stream.device(), buffer.size());
  kernels::copy(stream, buffer.tensor(), copy.tensor({static_cast<std::int64_t>(buffer.size())}));
  stream.synchronize();
  return copy;
}

std::span<std::byte> bytes_of(const kernels::PinnedBuffer<std::uint8_t>& buffer) {
  return {reinterpret_cast<std::byte*>(buffer.data()), buffer.size()};
}

template <class Value>
void check_same(const Codec& codec, std::string_view what, std::span<const Value> found,
                std::span<const Value> expected) {
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) wrong += found[i] != expected[i];
  base::require(wrong == 0, "{}: {} of {} {} differ from the reference's", to_string(codec.encoding().format),
                wrong, expected.size(), what);
}

}  // namespace

TrialData::TrialData(kernels::StreamView stream, std::vector<float> random_values)
    : host_values(std::move(random_values)),
      values(stream.device(), host_values.size()),
      scratch(stream.device(), host_values.size()),
      largest(stream.device(), 1) {
  const kernels::Shape shape{static_cast<std::int64_t>(host_values.size())};
  kernels::copy(stream, kernels::host_tensor(std::span(host_values), shape), values.tensor());
  stream.synchronize();
}

CodecTrial::CodecTrial(kernels::StreamView stream, const quant8::Encoding& encoding, TrialData& data)
    : stream_(stream),
      data_(data),
      codec_(quant8::make_codec(stream.device(), encoding)),
      segment_(make_segment()),
      sum_(make_segment()),
      begin_(stream.device(), kernels::EventKind::timed),
      end_(stream.device(), kernels::EventKind::timed) {
  encode_shards();
}

CodecTrial::Bytes CodecTrial::make_segment() const {
  return {stream_.device(), codec_->wire_bytes(static_cast<std::int64_t>(data_.elements()))};
}

// Each shard is the values rotated by a different part of their length: sums of equal shards would be easier
// to encode than real ones.
void CodecTrial::encode_shards() {
  const auto elements = static_cast<std::int64_t>(data_.elements());
  for (std::size_t shard = 0; shard < kShards; ++shard) {
    const std::int64_t turn = elements * static_cast<std::int64_t>(shard) / std::int64_t{kShards};
    kernels::copy(stream_, data_.values.tensor({elements - turn}, static_cast<std::size_t>(turn)),
                  data_.scratch.tensor({elements - turn}));
    kernels::copy(stream_, data_.values.tensor({turn}),
                  data_.scratch.tensor({turn}, static_cast<std::size_t>(elements - turn)));
    shards_.push_back(make_segment());
    codec_->encode(stream_, {data_.scratch.data(), data_.elements()}, {}, {}, bytes_of(shards_.back()));
  }
  stream_.synchronize();
}

std::vector<Contribution> CodecTrial::contributions() const {
  std::vector<Contribution> all;
  for (const Bytes& shard : shards_) all.emplace_back(std::span<const std::byte>(bytes_of(shard)));
  return all;
}

template <class Work>
void CodecTrial::time(std::vector<double>& seconds, const Work& work) {
  begin_.record(stream_);
  work();
  end_.record(stream_);
  end_.synchronize();
  seconds.push_back(end_.seconds_since(begin_));
}

void CodecTrial::run() {
  const std::vector<Contribution> shards = contributions();
  const auto elements = static_cast<std::int64_t>(data_.elements());
  const std::span<float> scratch{data_.scratch.data(), data_.scratch.size()};
  time(times_.read, [&] { quant8::read_largest(stream_, data_.on_device(), data_.largest.data()); });
  time(times_.encode, [&] { codec_->encode(stream_, data_.on_device(), {}, {}, bytes_of(segment_)); });
  time(times_.fill, [&] { quant8::fill(stream_, scratch, 1); });
  time(times_.decode, [&] { codec_->decode(stream_, bytes_of(segment_), scratch); });
  time(times_.fused, [&] { codec_->encode_sum(stream_, {shards, elements, 1}, {}, {}, bytes_of(sum_)); });
  time(times_.memcpy, [&] { kernels::copy(stream_, data_.values.tensor(), data_.scratch.tensor()); });
}

void CodecTrial::warm_up() {
  run();
  times_ = {};
}

quant8::Fidelity CodecTrial::verify() const {
  const kernels::Device host;
  const kernels::Stream stream(host);
  const auto reference = quant8::make_reference_codec(codec_->encoding());
  const auto check_bytes = [&](std::string_view what, const Bytes& found, const Bytes& expected) {
    check_same<std::byte>(*codec_, what, bytes_of(fetched(stream_, found)), bytes_of(expected));
  };
  Bytes expected(host, segment_.size());
  reference->encode(stream, data_.host_values, {}, {}, bytes_of(expected));
  check_bytes("encoded bytes", segment_, expected);

  std::vector<float> values(data_.elements());
  reference->decode(stream, bytes_of(expected), values);
  codec_->decode(stream_, bytes_of(segment_), {data_.scratch.data(), data_.elements()});
  const kernels::PinnedBuffer<float> decoded = fetched(stream_, data_.scratch);
  check_same<float>(*codec_, "decoded values", decoded.span(), values);

  std::vector<kernels::PinnedBuffer<std::uint8_t>> shards;
  std::vector<Contribution> contributions;
  for (const Bytes& shard : shards_) {
    shards.push_back(fetched(stream_, shard));
    contributions.emplace_back(std::span<const std::byte>(bytes_of(shards.back())));
  }
  const auto elements = static_cast<std::int64_t>(data_.elements());
  reference->encode_sum(stream, {contributions, elements, 1}, {}, {}, bytes_of(expected));
  check_bytes("bytes of the sum", sum_, expected);
  return quant8::fidelity(data_.host_values, decoded.span());
}

}  // namespace eightfold::launch::bench
