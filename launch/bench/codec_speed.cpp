#include "launch/bench/codec_speed.hpp"

#include "comm/mpi/timing.hpp"
#include "kernels/base/clock.hpp"
#include "kernels/base/median.hpp"
#include "kernels/buffer.hpp"
#include "launch/bench/random_values.hpp"
#include "quant8/codec.hpp"

namespace eightfold::launch::bench {
namespace {

// Larger than the caches of one core, small enough for the slowest format.
constexpr std::int64_t kElements = std::int64_t{1} << 20;

template <class Run>
double median_s(kernels::StreamView stream, int repeats, const Run& run) {
  std::vector<double> times_s;
  for (int i = -1; i < repeats; ++i) {
    const base::TimePoint start = base::Clock::now();
    run();
    stream.synchronize();
    if (i >= 0) times_s.push_back(base::seconds_since(start));
  }
  return base::median(times_s);
}

}  // namespace

std::vector<comm::measure::CodecSpeed> codec_speeds(kernels::StreamView stream, int repeats) {
  const kernels::Device device = stream.device();
  const kernels::PinnedBuffer<float> host_values(device, kElements);
  draw(Distribution::normal, 1, host_values.span());
  const kernels::Buffer<float> source(device, kElements), target(device, kElements);
  copy(stream, host_values.tensor(kernels::Shape{kElements}), source.tensor());
  const std::span<const float> values(source.data(), source.size());
  const std::span<float> decoded(target.data(), target.size());
  std::vector<comm::measure::CodecSpeed> speeds;
  for (const quant8::Format format : quant8::all_formats()) {
    const auto codec = quant8::make_codec(device, {format});
    const kernels::Buffer<std::uint8_t> memory(device, codec->wire_bytes(kElements));
    const std::span<std::byte> segment(reinterpret_cast<std::byte*>(memory.data()), memory.size());
    const auto rate = [&](double time_s) { return static_cast<double>(values.size_bytes()) / time_s; };
    const double encode_s =
        median_s(stream, repeats, [&] { codec->encode(stream, values, {}, {}, segment); });
    const double decode_s = median_s(stream, repeats, [&] { codec->decode(stream, segment, decoded); });
    speeds.push_back({format, rate(encode_s), rate(decode_s)});
  }
  return speeds;
}

std::vector<comm::measure::CodecSpeed> slowest_codec_speeds(comm::mpi::Communicator& world,
                                                            const kernels::Device& device, int repeats) {
  const kernels::Stream stream(device);
  world.barrier();
  std::vector<comm::measure::CodecSpeed> speeds = codec_speeds(stream, repeats);
  for (comm::measure::CodecSpeed& speed : speeds) {
    const double times_s[] = {1 / speed.encode_bytes_per_s, 1 / speed.decode_bytes_per_s};
    const std::vector<double> slowest = slowest_of_ranks(world, times_s);
    speed.encode_bytes_per_s = 1 / slowest[0];
    speed.decode_bytes_per_s = 1 / slowest[1];
  }
  return speeds;
}

}  // namespace eightfold::launch::bench
