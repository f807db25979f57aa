#include "runtime/scale/workload.hpp"

#include "kernels/base/error.hpp"

#include <algorithm>
#include <numeric>

namespace eightfold::runtime::scale {

std::int64_t Workload::parameters() const {
  return std::accumulate(layers.begin(), layers.end(), std::int64_t{0},
                         [](std::int64_t sum, const LayerTimes& layer) { return sum + layer.parameters; });
}

double Workload::step_s() const {
  double total = other_s + update_s_per_parameter * static_cast<double>(parameters());
  for (const LayerTimes& layer : layers) total += layer.forward_s + layer.backward_s;
  return total;
}

CodecCost Workload::codec_cost(quant8::Format format) const {
  const auto listed = std::ranges::find(codecs, format, &CodecCost::format);
  if (listed != codecs.end()) return *listed;
  if (memory_bytes_per_s <= 0)
    base::raise<base::ConfigError>(
        "workload {} does not say what {} costs; allowed: a [[codec]] with format = \"{}\", or "
        "memory.bytes_per_s",
        name, to_string(format), to_string(format));
  const double moved_bytes = 4 + quant8::bits_of(format) / 8.0;
  const double seconds = moved_bytes / (memory_bytes_per_s * codec_share);
  return {format, seconds, seconds};
}

Workload Workload::with_batch(std::int64_t samples) const {
  Workload other = *this;
  const double factor = static_cast<double>(samples) / static_cast<double>(batch);
  other.batch = samples;
  other.other_s *= factor;
  for (LayerTimes& layer : other.layers) {
    layer.forward_s *= factor;
    layer.backward_s *= factor;
  }
  return other;
}

}  // namespace eightfold::runtime::scale
