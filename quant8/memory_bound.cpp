#include "quant8/memory_bound.hpp"

#include "kernels/base/error.hpp"
#include "quant8/host/primitives.hpp"

#include <algorithm>

namespace eightfold::quant8 {
namespace {

void check_device(kernels::Device device) {
  if (device.kind != kernels::DeviceKind::host)
    base::raise<base::EnvironmentError>("the memory of {} cannot be measured here; that of the host can",
                                        to_string(device));
}

}  // namespace

void read_largest(kernels::StreamView stream, std::span<const float> values, std::uint32_t* result) {
  check_device(stream.device());
  // Enough to wait for the memory alone.
  const auto instructions = std::min(host::best_instructions(), host::Instructions::avx2);
  const host::Primitives primitives = host::primitives_of(Format::linear8, instructions);
  host::Extent extent;
  primitives.measure(values.data(), static_cast<std::int64_t>(values.size()), extent);
  *result = extent.largest;
}

void fill(kernels::StreamView stream, std::span<float> values, float value) {
  check_device(stream.device());
  host::fill_streaming(values.data(), values.size(), value);
}

}  // namespace eightfold::quant8
