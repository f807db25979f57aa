#include "kernels/base/strict_json.hpp"

#include <set>
#include <vector>

namespace eightfold::base {
namespace {

using Json = nlohmann::json;

constexpr int kNestingLimit = 4;

}  // namespace

Json parse_strict(const std::string& file, const std::string& text) {
  std::vector<std::set<std::string>> names;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kNestingLimit) raise<DataError>("{}: the JSON nests deeper than {}", file, kNestingLimit);
    if (event == Json::parse_event_t::object_start) names.emplace_back();
    if (event == Json::parse_event_t::object_end) names.pop_back();
    if (event == Json::parse_event_t::key && !names.back().insert(parsed.get<std::string>()).second)
      raise<DataError>("{}: the name {} stands twice in the JSON", file, parsed.dump());
    return true;
  };
  try {
    return Json::parse(text, watch);
  } catch (const Json::exception& failure) {
    raise<DataError>("{}: this is not JSON: {}", file, failure.what());
  }
}

}  // namespace eightfold::base
