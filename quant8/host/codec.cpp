#include "quant8/host/codec.hpp"

#include "kernels/base/error.hpp"
#include "quant8/host/block_coder.hpp"
#include "quant8/host/block_sum.hpp"
#include "quant8/host/planes.hpp"
#include "quant8/segment.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#ifdef EIGHTFOLD_QUANT8_X86
#include <cpuid.h>
#endif

namespace eightfold::quant8::host {
namespace {

// One encoding of a segment: its input, output and parameters.
struct Job {
  const BlockCoder& coder;
  const BlockSum& sum;
  std::int64_t elements;
  Scaling scaling;
  const Draw* draw;  // null for rounding to nearest
  std::span<float> residual;
  Planes planes;

  std::int64_t size(std::int64_t block) const { return block_size(block, elements); }
};

// The one scale of Scaling::tensor, before any block is encoded.
void make_common_scale(const Job& job) {
  Extent extent;
  BlockValues space;
  for (std::int64_t block = 0; block < blocks_of(job.elements); ++block)
    job.coder.measure(job.sum.values(block, space), job.size(block), extent);
  if (job.elements > 0) job.planes.set_scale(0, job.coder.scale(extent, job.elements));
}

// A loss that is not finite is not carried on: the block is NaN on every rank, which shows by itself.
void keep_loss(const Job& job, std::int64_t block, const float* values, const std::uint8_t* codes) {
  BlockValues received;
  const EncodedBlock encoded{codes, scale_value(job.planes.scale(block))};
  job.coder.decode(encoded, job.size(block), received.data(), Store::cached);
  float* residual = job.residual.data() + block * kBlock;
  for (std::int64_t i = 0; i < job.size(block); ++i) {
    const float loss = values[i] - received[static_cast<std::size_t>(i)];
    residual[i] = std::isfinite(loss) ? loss : 0;
  }
}

void encode_block(const Job& job, std::int64_t block, const float* values, std::uint8_t* codes) {
  const std::int64_t n = job.size(block);
  if (job.draw == nullptr) {
    job.coder.encode(values, n, job.planes.scale(block), nullptr, codes);
  } else {
    // By the element's place in the segment, so that blocks may be encoded in any order.
    const Draw draw{job.draw->key, job.draw->index + static_cast<std::uint64_t>(block * kBlock)};
    job.coder.encode(values, n, job.planes.scale(block), &draw, codes);
  }
  if (!job.residual.empty()) keep_loss(job, block, values, codes);
}

// Some blocks, which are all measured before the first is encoded: a scale takes long to divide by, and the
// processor measures the next block meanwhile.
constexpr std::int64_t kGroup = 4;

void encode_group(const Job& job, std::int64_t first, std::int64_t last, std::uint8_t* codes) {
  std::array<BlockValues, kGroup> space;
  std::array<const float*, kGroup> values;
  for (std::int64_t block = first; block < last; ++block) {
    const auto k = static_cast<std::size_t>(block - first);
    values[k] = job.sum.values(block, space[k]);
    if (job.scaling == Scaling::tensor) continue;
    Extent extent;
    job.coder.measure(values[k], job.size(block), extent);
    job.planes.set_scale(block, job.coder.scale(extent, job.size(block)));
  }
  for (std::int64_t block = first; block < last; ++block)
    encode_block(job, block, values[static_cast<std::size_t>(block - first)],
                 codes + (job.planes.codes(block) - job.planes.codes(first)));
}

// run(first, last) for every group.
template <class Run>
void each_group(const Job& job, const Run& run) {
  const std::int64_t blocks = blocks_of(job.elements);
  for (std::int64_t first = 0; first < blocks; first += kGroup) run(first, std::min(first + kGroup, blocks));
}

void encode_blocks(const Job& job) {
  each_group(job, [&](std::int64_t first, std::int64_t last) {
    encode_group(job, first, last, job.planes.codes(first));
  });
}

// Codes that are the values themselves need no place between.
void stream_values(const Job& job) {
  BlockValues space;
  for (std::int64_t block = 0; block < blocks_of(job.elements); ++block) {
    const auto* values = reinterpret_cast<const std::uint8_t*>(job.sum.values(block, space));
    copy_streaming(values, code_bytes(Format::fp32, job.size(block)), job.planes.codes(block));
  }
  finish_streaming();
}

// Collects the codes of a group in the first cache, then streams them to where they belong.
void encode_blocks_streaming(const Job& job, Format format) {
  alignas(64) std::array<std::uint8_t, static_cast<std::size_t>(kGroup * kBlock) * sizeof(float)> tile;
  each_group(job, [&](std::int64_t first, std::int64_t last) {
    encode_group(job, first, last, tile.data());
    const std::int64_t count = std::min(last * kBlock, job.elements) - first * kBlock;
    copy_streaming(tile.data(), code_bytes(format, count), job.planes.codes(first));
  });
  finish_streaming();
}

class HostCodec final : public Codec {
 public:
  HostCodec(const Encoding& encoding, Rounding rounding, Instructions instructions)
      : Codec(encoding, rounding), coder_(encoding.format, instructions) {}

 private:
  void do_encode(kernels::StreamView, const Sum& sum, std::span<float> residual, const Stamp& stamp,
                 std::span<std::byte> segment) const override {
    const BlockSum values(coder_, encoding(), sum, residual, Use::codes);
    const Draw draw{random_key(stamp.rounding), random_index(stamp.rounding, 0)};
    const Job job{coder_,
                  values,
                  sum.elements,
                  encoding().scaling,
                  rounding() == Rounding::stochastic ? &draw : nullptr,
                  residual,
                  Planes(encoding(), segment, sum.elements)};
    write_frame(segment, encoding(), header_of(encoding(), stamp.sequence, sum.elements));
    if (job.scaling == Scaling::tensor) make_common_scale(job);
    if (store_for(segment.size()) == Store::cached)
      encode_blocks(job);
    else if (encoding().format == Format::fp32 && residual.empty())
      stream_values(job);
    else
      encode_blocks_streaming(job, encoding().format);
    write_hash(segment, encoding(), sum.elements);
  }

  // `values` may be one of the contributions. A block is read in full before it is written.
  void do_sum(kernels::StreamView, const Sum& sum, std::span<float> values) const override {
    const BlockSum blocks(coder_, encoding(), sum, {}, Use::values);
    BlockValues space;
    for (std::int64_t block = 0; block < blocks_of(sum.elements); ++block) {
      const float* from = blocks.values(block, space);
      float* to = values.data() + block * kBlock;
      if (from != to) std::copy_n(from, block_size(block, sum.elements), to);
    }
  }

  void do_decode(kernels::StreamView, std::span<const std::byte> segment,
                 std::span<float> values) const override {
    const Store store = store_for(values.size_bytes());
    each_block(segment, values, [&](const EncodedBlock& block, std::int64_t n, float* y) {
      coder_.decode(block, n, y, store);
    });
    if (store == Store::streaming) finish_streaming();
  }
  void do_decode_add(kernels::StreamView, std::span<const std::byte> segment,
                     std::span<float> values) const override {
    each_block(segment, values, [&](const EncodedBlock& block, std::int64_t n, float* y) {
      coder_.decode_add({&block, 1}, n, y);
      make_canonical(y, n);
    });
  }

  // run(block, n, values) for every block.
  template <class Run>
  void each_block(std::span<const std::byte> segment, std::span<float> values, const Run& run) const {
    const auto elements = static_cast<std::int64_t>(values.size());
    const ConstPlanes planes(encoding(), segment, elements);
    for (std::int64_t block = 0; block < blocks_of(elements); ++block)
      run(planes.encoded(block), block_size(block, elements), values.data() + block * kBlock);
  }

  BlockCoder coder_;
};

#ifdef EIGHTFOLD_QUANT8_X86
// Not every compiler's __builtin_cpu_supports() knows it.
bool has_f16c() {
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}
#endif

bool runs_here(Instructions instructions) {
#ifdef EIGHTFOLD_QUANT8_X86
  switch (instructions) {
    case Instructions::portable:
      return true;
    case Instructions::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
    case Instructions::avx512:
      // Some of its loops are those of AVX2.
      return runs_here(Instructions::avx2) && __builtin_cpu_supports("avx512f") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi");
  }
#endif
  return instructions == Instructions::portable;
}

}  // namespace

std::string_view to_string(Instructions instructions) {
  constexpr std::array<std::string_view, 3> kNames{"portable", "AVX2", "AVX-512"};
  return kNames[static_cast<std::size_t>(instructions)];
}

std::span<const Instructions> available_instructions() {
  static constexpr std::array kAll{Instructions::portable, Instructions::avx2, Instructions::avx512};
  // Each set runs only where those before it do: what is available is the front of the list.
  static const auto count = static_cast<std::size_t>(std::count_if(kAll.begin(), kAll.end(), runs_here));
  return std::span(kAll).first(count);
}

std::unique_ptr<Codec> make_codec(const Encoding& encoding, Rounding rounding, Instructions instructions) {
  base::require(runs_here(instructions), "{} on a machine without it", to_string(instructions));
  return std::make_unique<HostCodec>(encoding, rounding, instructions);
}

}  // namespace eightfold::quant8::host
