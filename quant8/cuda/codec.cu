#include "kernels/base/error.hpp"
#include "kernels/buffer.hpp"
#include "quant8/cuda/codec.hpp"
#include "quant8/cuda/encode_kernels.hpp"
#include "quant8/cuda/level_coders.hpp"
#include "quant8/cuda/plain_coders.hpp"

#include <array>
#include <type_traits>

namespace eightfold::quant8::cuda {
namespace {

using kernels::cuda::launch;
using kernels::cuda::LaunchShape;

// Calls run() with the coder of a format without levels, as a type.
template <class Run>
void with_plain_coder(Format format, const Run& run) {
  switch (format) {
    case Format::bf16:
      return run(std::type_identity<PlainCoder<kernels::BFloat16>>{});
    case Format::fp16:
      return run(std::type_identity<PlainCoder<kernels::Float16>>{});
    case Format::one_bit:
      return run(std::type_identity<OneBitCoder>{});
    default:
      return run(std::type_identity<PlainCoder<float>>{});
  }
}

// The same with what decodes any format.
template <class Run>
void with_decoder(Format format, const Run& run) {
  if (!has_levels(format)) return with_plain_coder(format, run);
  if (format == Format::linear4) return run(std::type_identity<LevelCoder<4>>{});
  return run(std::type_identity<LevelCoder<8>>{});
}

// And what encodes it.
template <class Run>
void with_encoder(Format format, Rounding rounding, const Run& run) {
  const bool is_stochastic = rounding == Rounding::stochastic;
  if (!has_levels(format)) return with_plain_coder(format, run);
  if (is_stochastic && format == Format::linear4) return run(std::type_identity<StochasticCoder<4>>{});
  if (is_stochastic) return run(std::type_identity<StochasticCoder<8>>{});
  if (format == Format::linear4) return run(std::type_identity<LinearCoder<4>>{});
  if (format == Format::linear8) return run(std::type_identity<LinearCoder<8>>{});
  return run(std::type_identity<SearchCoder<8>>{});
}

// Half a warp for each block, on as many multiprocessors as there are: they fill their tables once.
LaunchShape codec_shape(kernels::StreamView stream, std::int64_t elements) {
  return {
      dim3(kernels::cuda::grid_blocks(stream, blocks_of(elements) * kHalf, kCodecThreads, kCodecResidency)),
      dim3(kCodecThreads)};
}

class CudaCodec final : public Codec {
 public:
  CudaCodec(kernels::Device device, const Encoding& encoding, Rounding rounding) : Codec(encoding, rounding) {
    if (encoding.has_hash)
      base::raise<base::ConfigError>(
          "a codec of {} writes no hash behind its segments; encode without one and write it in host memory",
          to_string(device));
    if (!has_levels(encoding.format)) return;
    tables_ = kernels::Buffer<LevelTables>(device, 1);
    const LevelTables tables = make_level_tables(encoding.format);
    const kernels::Stream stream(device);
    EIGHTFOLD_CUDA_CHECK(cudaMemcpyAsync(tables_.data(), &tables, sizeof(tables), cudaMemcpyDefault,
                                         kernels::cuda::native(stream)));
    // The copy reads this function's stack, and the codec's users have streams of their own.
    stream.view().synchronize();
  }

 private:
  void do_encode(kernels::StreamView stream, const Sum& sum, std::span<float> residual, const Stamp& stamp,
                 std::span<std::byte> segment) const override {
    const EncodeJob job{Contributions(sum),
                        Geometry(encoding(), sum.elements),
                        tables_.data(),
                        residual.empty() ? nullptr : residual.data(),
                        {random_key(stamp.rounding), random_index(stamp.rounding, 0)},
                        header_of(encoding(), stamp.sequence, sum.elements),
                        segment.data()};
    if (encoding().scaling == Scaling::tensor && job.geometry.scales > 0) find_common_scale(stream, job);
    with_encoder(encoding().format, rounding(), [&]<class Coder>(std::type_identity<Coder>) {
      launch(stream, codec_shape(stream, sum.elements), encode_blocks_kernel<Coder>, job);
    });
  }

  void find_common_scale(kernels::StreamView stream, const EncodeJob& job) const {
    kernels::cuda::make_current(stream.device());
    // An atomic maximum needs 32 bits. The scale has 16, and the padding of its plane has room for the rest.
    EIGHTFOLD_CUDA_CHECK(cudaMemsetAsync(job.segment + sizeof(Header), 0, sizeof(std::uint32_t),
                                         kernels::cuda::native(stream)));
    with_decoder(encoding().format, [&]<class Coder>(std::type_identity<Coder>) {
      if constexpr (Coder::kHasScale) {
        launch(stream, codec_shape(stream, job.geometry.elements), measure_blocks_kernel<Coder>, job);
        launch(stream, {dim3(1), dim3(kWarp)}, common_scale_kernel<Coder>, job);
      }
    });
  }

  void do_sum(kernels::StreamView stream, const Sum& sum, std::span<float> values) const override {
    // An encoding of nothing goes on all the same: it has a header.
    if (values.empty()) return;
    const SumJob job{Contributions(sum), Geometry(encoding(), sum.elements), tables_.data(), values.data()};
    with_decoder(encoding().format, [&]<class Coder>(std::type_identity<Coder>) {
      launch(stream, codec_shape(stream, sum.elements), sum_blocks_kernel<Coder>, job);
    });
  }

  void do_decode(kernels::StreamView stream, std::span<const std::byte> segment,
                 std::span<float> values) const override {
    const std::array contributions{Contribution{segment}};
    do_sum(stream, {contributions, static_cast<std::int64_t>(values.size()), 1}, values);
  }
  void do_decode_add(kernels::StreamView stream, std::span<const std::byte> segment,
                     std::span<float> values) const override {
    // In place: each thread reads its elements before it writes them.
    const std::array contributions{Contribution{std::span<const float>(values)}, Contribution{segment}};
    do_sum(stream, {contributions, static_cast<std::int64_t>(values.size()), 1}, values);
  }

  kernels::Buffer<LevelTables> tables_;
};

}  // namespace

std::unique_ptr<Codec> make_codec(kernels::Device device, const Encoding& encoding, Rounding rounding) {
  return std::make_unique<CudaCodec>(device, encoding, rounding);
}

}  // namespace eightfold::quant8::cuda
