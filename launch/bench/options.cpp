#include "launch/bench/options.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/parse.hpp"

#include <fmt/ranges.h>

#include <string_view>
#include <vector>

namespace eightfold::launch::bench {
namespace {

constexpr std::uint64_t kLargestSize = std::uint64_t{16} << 30;

}  // namespace

void add_repeats_option(const command::Command& command, int& repeats) {
  command.add_option("--repeats", repeats, "How often everything is timed")
      .show_default()
      .in_range(1, 1000000);
}

quant8::Format parse_format_option(const std::string& option, const std::string& name) {
  if (const auto format = quant8::parse_format(name)) return *format;
  std::vector<std::string_view> names;
  for (const quant8::Format format : quant8::all_formats()) names.push_back(to_string(format));
  base::raise<base::ConfigError>("{} {}: there are {}", option, name, fmt::join(names, ", "));
}

std::size_t parse_elements_option(const std::string& text) {
  const auto bytes = base::parse_bytes(text);
  if (!bytes || *bytes % sizeof(float) != 0 || *bytes == 0 || *bytes > kLargestSize)
    base::raise<base::ConfigError>(
        "--sizes {}: a size is that of fp32 values, such as 4KiB or 256MiB, up to {}", text,
        base::format_bytes(kLargestSize));
  return *bytes / sizeof(float);
}

}  // namespace eightfold::launch::bench
