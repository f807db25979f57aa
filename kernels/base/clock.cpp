#include "kernels/base/clock.hpp"

#include <ctime>

namespace eightfold::base {

std::string utc_stamp() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H-%M-%SZ", &utc);
  return {text, length};
}

}  // namespace eightfold::base
