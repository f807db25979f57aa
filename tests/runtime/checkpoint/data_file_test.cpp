#include "runtime/checkpoint/data_file.hpp"

#include "kernels/base/error.hpp"
#include "tests/runtime/checkpoint/stores.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>

using namespace eightfold;
using namespace eightfold::runtime;
using namespace eightfold::runtime::checkpoint;
using Json = nlohmann::json;

namespace {

// Numbers that no short decimal is equal to.
data::TrainingFacts facts() {
  return {{2, 3, 2},
          20'000,
          10,
          {{100.0 / 3, std::sqrt(2.0)}, {std::nextafter(50.0, 51.0), 0}},
          "0123456789abcdef0123456789abcdef"};
}

std::string message(const std::string& text) {
  try {
    parse_data("data.json", text);
  } catch (const base::DataError& error) {
    const std::string said = error.what();
    return said.starts_with("data.json: ") ? said.substr(11) : "does not name the file: " + said;
  }
  return "accepted";
}

std::string message_with(const std::string& key, const Json& value) {
  Json json = Json::parse(data_text(facts()));
  json[key] = value;
  return message(json.dump());
}

}  // namespace

TEST_CASE("what the training data taught comes back from its text, to the last bit") {
  const data::TrainingFacts back = parse_data("data.json", data_text(facts()));
  CHECK(data_text(back) == data_text(facts()));
  CHECK(back.shape == facts().shape);
  CHECK(back.samples == 20'000);
  CHECK(back.classes == 10);
  CHECK(back.bytes.mean == facts().bytes.mean);
  CHECK(back.bytes.deviation == facts().bytes.deviation);
  CHECK(back.fingerprint == facts().fingerprint);
}

TEST_CASE("a checkpoint holds it, lists it and is compared with its hash") {
  const test::Scratch scratch;
  const Saved saved(5);
  Contents contents = saved.contents();
  contents.data = data_text(facts());
  const auto directory = save(scratch.path(), contents, 2);
  const Found found = find(directory);
  CHECK(found.manifest.files.size() == 4);
  CHECK(read_data(found)->bytes.mean == facts().bytes.mean);
  std::ofstream(directory / kDataFile, std::ios::app) << ' ';
  CHECK_THROWS_AS(read_data(found), base::DataError);
  CHECK_THROWS_AS(find(directory), base::DataError);
}

TEST_CASE("a checkpoint of an earlier version says nothing of its data") {
  const test::Scratch scratch;
  CHECK_FALSE(read_data(find(save_step(scratch.path(), 5))).has_value());
}

TEST_CASE("a text that says what no data can be is refused") {
  CHECK(message("nonsense").starts_with("this is not JSON"));
  CHECK(message("[]").starts_with("malformed: "));
  CHECK(message("{}").starts_with("malformed: "));
  CHECK(message_with("format", "x").find("eightfold-data version 1 is supported") != std::string::npos);
  CHECK(message_with("version", 2) ==
        "this is \"eightfold-data\" version 2, eightfold-data version 1 is supported");
  for (const char* key : {"samples", "classes"}) {
    CHECK(message_with(key, 0).starts_with(std::string(key) + " is 0, an integer from 1 "));
    CHECK(message_with(key, 1.5).starts_with(std::string(key) + " is 1.5, an integer "));
  }
  CHECK(message_with("shape", {2, 3}) == "shape is [2,3]; height, width and channels were expected");
  CHECK(message_with("shape", {2, 0, 2}).starts_with("shape is 0, an integer from 1 "));
  CHECK(message_with("shape", {2, 3, 1 << 21}) == "shape has 2097152; at most 1048576 are allowed");
  for (const char* key : {"mean", "deviation"}) {
    const std::string name = key;
    CHECK(message_with(key, Json::array({1.0})) == name + " is no list of 2 numbers, one per channel");
    CHECK(message_with(key, 1.0) == name + " is no list of 2 numbers, one per channel");
    for (const Json& value : {Json(-1.0), Json(255.5), Json(nullptr), Json("1")})
      CHECK(message_with(key, Json::array({1.0, value})) ==
            name + " holds " + value.dump() + "; numbers from 0 to 255 were expected");
  }
  for (const char* text :
       {"", "0123", "0123456789ABCDEF0123456789abcdef", "0123456789abcdef0123456789abcdef0"})
    CHECK(message_with("fingerprint", text).find("; 32 hexadecimal digits were expected") !=
          std::string::npos);
  CHECK(message_with("fingerprint", 5).starts_with("malformed: "));
}
