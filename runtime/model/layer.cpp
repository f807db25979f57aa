#include "runtime/model/layer.hpp"

#include "runtime/model/layer_kinds.hpp"

namespace eightfold::runtime::model {

std::unique_ptr<Layer> make_layer(const LayerSite& site) {
  switch (site.config.kind) {
    case config::LayerKind::linear:
      return make_linear(site);
    case config::LayerKind::conv2d:
      return make_convolution(site);
    case config::LayerKind::max_pool:
    case config::LayerKind::average_pool:
      return make_pooling(site);
    case config::LayerKind::relu:
      return make_relu(site);
    case config::LayerKind::dropout:
      return make_dropout(site);
    case config::LayerKind::lrn:
      return make_local_response(site);
  }
  base::raise<base::InternalError>("layer kind {}", static_cast<int>(site.config.kind));
}

void require_image(const LayerSite& site, std::string_view kind) {
  if (site.input.rank() == 4) return;
  base::raise<base::ConfigError>(
      "{}: {} needs images, [height, width, channels], but its input has {} plain values",
      site.config.place.text, kind, site.input.elements() / std::max<std::int64_t>(1, site.input[0]));
}

void require_window(const LayerSite& site, std::string_view kind) {
  const std::int64_t height = site.input[1] + 2 * site.config.padding;
  const std::int64_t width = site.input[2] + 2 * site.config.padding;
  if (site.config.kernel <= std::min(height, width)) return;
  base::raise<base::ConfigError>("{}: {}: a window of {} does not fit its input of {} x {} with padding {}",
                                 site.config.place.text, kind, site.config.kernel, site.input[1],
                                 site.input[2], site.config.padding);
}

void require_size(const LayerSite& site, std::string_view kind, double elements) {
  constexpr double kLimit = 0x1p40;
  if (elements <= kLimit) return;
  base::raise<base::ConfigError>("{}: {} would need a tensor of {:.0f} values; at most {:.0f} are allowed",
                                 site.config.place.text, kind, elements, kLimit);
}

}  // namespace eightfold::runtime::model
