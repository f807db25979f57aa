#include "runtime/model/layers/layer_kind.hpp"

#include "kernels/base/error.hpp"

#include <algorithm>

namespace eightfold::runtime::model::layers {

void require_image(const LayerSite& site, std::string_view kind) {
  if (site.input.rank() == 4) return;
  base::raise<base::ConfigError>(
      "{}: {} needs images, [height, width, channels], but its input has {} plain values", site.place.text,
      kind, site.input.elements() / std::max<std::int64_t>(1, site.input[0]));
}

void require_window(const LayerSite& site, std::string_view kind, std::int64_t kernel, std::int64_t padding) {
  const std::int64_t height = site.input[1] + 2 * padding;
  const std::int64_t width = site.input[2] + 2 * padding;
  if (kernel <= std::min(height, width)) return;
  base::raise<base::ConfigError>("{}: {}: a window of {} does not fit its input of {} x {} with padding {}",
                                 site.place.text, kind, kernel, site.input[1], site.input[2], padding);
}

void require_size(const LayerSite& site, std::string_view kind, double elements) {
  // 4 TiB of fp32, more than any device has; below it products of sizes fit 64 bits.
  constexpr double kLimit = 0x1p40;
  if (elements <= kLimit) return;
  base::raise<base::ConfigError>("{}: {} would need a tensor of {:.0f} values; at most {:.0f} are allowed",
                                 site.place.text, kind, elements, kLimit);
}

}  // namespace eightfold::runtime::model::layers
