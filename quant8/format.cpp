#include "quant8/format.hpp"

namespace eightfold::quant8 {

std::string_view to_string(Format format) {
  switch (format) {
    case Format::fp32:
      return "fp32";
  }
  return "?";
}

std::size_t wire_bytes(Format format, std::int64_t elements) {
  switch (format) {
    case Format::fp32:
      return static_cast<std::size_t>(elements) * sizeof(float);
  }
  return 0;
}

}  // namespace eightfold::quant8
