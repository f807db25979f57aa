#include "quant8/format.hpp"

#include <array>

namespace eightfold::quant8 {
namespace {

struct Named {
  Format format;
  std::string_view name;
};

// In the order of their numbers, which all_formats() promises.
constexpr std::array kNames{
    Named{Format::fp32, "fp32"},           Named{Format::bf16, "bf16"},
    Named{Format::fp16, "fp16"},           Named{Format::dynamic_tree8, "dynamic-tree8"},
    Named{Format::linear8, "linear8"},     Named{Format::static_tree8, "static-tree8"},
    Named{Format::mantissa8, "mantissa8"}, Named{Format::fp8_e4m3, "fp8-e4m3"},
    Named{Format::fp8_e5m2, "fp8-e5m2"},   Named{Format::linear4, "linear4"},
    Named{Format::one_bit, "one-bit"},
};

constexpr auto kFormats = [] {
  std::array<Format, kNames.size()> formats{};
  for (std::size_t i = 0; i < formats.size(); ++i) formats[i] = kNames[i].format;
  return formats;
}();

}  // namespace

std::string_view to_string(Format format) {
  for (const Named& named : kNames)
    if (named.format == format) return named.name;
  return "unknown";
}

std::optional<Format> parse_format(std::string_view name) {
  for (const Named& named : kNames)
    if (named.name == name) return named.format;
  return std::nullopt;
}

std::span<const Format> all_formats() {
  return kFormats;
}

}  // namespace eightfold::quant8
