#include "kernels/base/json.hpp"

#include "kernels/base/error.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

namespace eightfold::base {
namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

constexpr int kNestingLimit = 4;

template <class AnyJson>
std::string text_of(const AnyJson& json, int indent) {
  // A path or a message may hold bytes that are no UTF-8. Writing about them must not fail.
  return json.dump(indent, ' ', false, AnyJson::error_handler_t::replace);
}

}  // namespace

std::string json_text(const Json& json) {
  return text_of(json, -1);
}

std::string json_text(const OrderedJson& json) {
  return text_of(json, -1);
}

std::string json_page(const Json& json) {
  return text_of(json, 2) + "\n";
}

std::string json_page(const OrderedJson& json) {
  return text_of(json, 2) + "\n";
}

Json parse_json(const std::string& text) {
  return Json::parse(text);
}

OrderedJson parse_ordered_json(const std::string& text) {
  return OrderedJson::parse(text);
}

Json parse_strict(const std::string& file, const std::string& text) {
  std::vector<std::set<std::string>> names;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kNestingLimit) raise<DataError>("{}: the JSON nests deeper than {}", file, kNestingLimit);
    if (event == Json::parse_event_t::object_start) names.emplace_back();
    if (event == Json::parse_event_t::object_end) names.pop_back();
    if (event == Json::parse_event_t::key && !names.back().insert(parsed.get<std::string>()).second)
      raise<DataError>("{}: the name {} stands twice in the JSON", file, json_text(parsed));
    return true;
  };
  try {
    return Json::parse(text, watch);
  } catch (const Json::exception& failure) {
    raise<DataError>("{}: this is not JSON: {}", file, failure.what());
  }
}

template <std::integral Value>
Value json_integer(const Json& json, std::string_view where, Value least) {
  const auto in_range = [&](auto number) {
    return std::in_range<Value>(number) && std::cmp_greater_equal(number, least);
  };
  const bool fits = json.is_number_unsigned()  ? in_range(json.get<std::uint64_t>())
                    : json.is_number_integer() ? in_range(json.get<std::int64_t>())
                                               : false;
  if (!fits)
    raise<DataError>("{} is {}, an integer from {} to {} is needed", where, json_text(json), least,
                     std::numeric_limits<Value>::max());
  return json.get<Value>();
}

template int json_integer(const Json& json, std::string_view where, int least);
template std::int64_t json_integer(const Json& json, std::string_view where, std::int64_t least);
template std::uint64_t json_integer(const Json& json, std::string_view where, std::uint64_t least);

}  // namespace eightfold::base
