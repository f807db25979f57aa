#include "kernels/base/json.hpp"

#include "tests/support/test.hpp"

#include <nlohmann/json.hpp>

#include <string>

using namespace eightfold::base;

TEST_CASE("text that is no UTF-8 becomes JSON that can be read, with a mark for what is lost") {
  const std::string mark = "\xEF\xBF\xBD", odd = "a\xFFz";
  for (const std::string& text :
       {json_text(nlohmann::json{{"name", odd}}), json_text(nlohmann::ordered_json{{"name", odd}}),
        json_page(nlohmann::json{{"name", odd}}), json_page(nlohmann::ordered_json{{"name", odd}})})
    CHECK(parse_json(text).at("name") == "a" + mark + "z");
  CHECK(parse_json(json_text(nlohmann::json{{odd, 1}})).begin().key() == "a" + mark + "z");
  CHECK(json_text(nlohmann::json("\u00e4")) == "\"\u00e4\"");
}
