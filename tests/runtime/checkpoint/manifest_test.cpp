#include "runtime/checkpoint/manifest.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/hash.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <nlohmann/json.hpp>

#include <span>

using namespace eightfold;
using namespace eightfold::runtime::checkpoint;
using Json = nlohmann::json;

namespace {

// A manifest as it is written, to be spoilt.
Json good() {
  return {{"format", "eightfold-checkpoint"},
          {"version", 1},
          {"step", 7},
          {"ranks", 2},
          {"weight_hash", "abc"},
          {"created", "2026-01-01T00-00-00Z"},
          {"program", "0.1"},
          {"files", {{{"name", "data"}, {"bytes", 4}, {"xxh3_128", "00"}}}}};
}

// The message about a manifest of this text, without the path; "accepted" if there is none.
std::string message(const std::string& text) {
  const test::Scratch scratch;
  const std::string path = scratch.file("manifest.json", text).string();
  try {
    read_manifest(scratch.path());
  } catch (const base::DataError& error) {
    const std::string said = error.what();
    return said.starts_with(path + ": ") ? said.substr(path.size() + 2) : "does not name the file: " + said;
  }
  return "accepted";
}
// A manifest that says this, and its hash as one who forges it would write it.
std::string sealed(Json json) {
  const std::string text = json.dump();
  base::Hash128 hash;
  hash.update(std::as_bytes(std::span(text)));
  json["xxh3_128"] = hash.hex();
  return json.dump();
}
std::string message_with(const std::string& key, const Json& value) {
  Json json = good();
  json[key] = value;
  return message(sealed(json));
}
std::string message_with_file(const Json& name) {
  return message_with("files", {{{"name", name}, {"bytes", 4}, {"xxh3_128", "00"}}});
}
Manifest::File described(const std::filesystem::path& path) {
  return {path.filename().string(), std::filesystem::file_size(path), base::hash_file(path)};
}
bool is_malformed(const std::string& text) {
  return text.starts_with("malformed: ");
}

}  // namespace

TEST_CASE("a manifest comes back as it was written") {
  const test::Scratch scratch;
  const Manifest::File file = described(scratch.file("data", "1234"));
  write_manifest(scratch.path(), {12, 3, "0123", "now", "0.1", {file}});
  const Manifest back = read_manifest(scratch.path());
  CHECK(back.step == 12);
  CHECK(back.ranks == 3);
  CHECK(back.weight_hash == "0123");
  CHECK(back.created == "now");
  CHECK(back.program == "0.1");
  REQUIRE(back.files.size() == 1);
  CHECK(back.files[0].name == "data");
  CHECK(back.files[0].bytes == 4);
  CHECK(back.files[0].xxh3_128 == file.xxh3_128);
  CHECK_NOTHROW(verify_files(scratch.path(), back));
  CHECK(message(sealed(good())) == "accepted");
}

TEST_CASE("a directory without a manifest is no checkpoint") {
  const test::Scratch scratch;
  for (const std::string& directory : {scratch.path().string(), (scratch / "missing").string()}) {
    try {
      read_manifest(directory);
      FAIL("accepted");
    } catch (const base::DataError& error) {
      CHECK(std::string(error.what()) == directory + ": not a checkpoint: it has no manifest.json");
    }
  }
}

TEST_CASE("a manifest that is a directory is no manifest") {
  const test::Scratch scratch;
  std::filesystem::create_directory(scratch / "manifest.json");
  CHECK_THROWS_AS(read_manifest(scratch.path()), base::DataError);
}

TEST_CASE("a manifest that is not JSON or not whole is refused") {
  const std::string text = sealed(good());
  for (const std::string& bad : {std::string(), std::string("\0\0", 2), text.substr(0, text.size() - 1),
                                 text.substr(0, text.size() / 2), text + "x"}) {
    INFO(bad);
    CHECK(message(bad).starts_with("this is not JSON: "));
  }
  for (const char* bad : {"[]", "null", "7"}) CHECK(is_malformed(message(bad)));
}

TEST_CASE("a name that stands twice in a manifest is refused") {
  std::string text = sealed(good());
  text.insert(1, R"("step":9,)");
  CHECK(message(text) == R"(the name "step" stands twice in the JSON)");
}

TEST_CASE("a manifest that lacks a key or has one of another type is malformed") {
  for (const char* key :
       {"format", "version", "step", "ranks", "weight_hash", "created", "program", "files"}) {
    INFO(key);
    Json json = good();
    json.erase(key);
    CHECK(is_malformed(message(sealed(json))));
  }
  CHECK(is_malformed(message(good().dump())));  // without its hash
  CHECK(is_malformed(message_with("weight_hash", 5)));
  CHECK(is_malformed(message_with("files", {5})));
  CHECK(is_malformed(message_with_file(5)));
}

TEST_CASE("another format or version is refused with both") {
  CHECK(message_with("version", 2) ==
        R"(this is "eightfold-checkpoint" version 2, eightfold-checkpoint version 1 is supported)");
  CHECK(message_with("format", "other") ==
        R"(this is "other" version 1, eightfold-checkpoint version 1 is supported)");
}

TEST_CASE("a manifest with a number that is no integer or does not fit is refused") {
  constexpr const char* kSteps = ", an integer from 0 to 9223372036854775807 is needed";
  for (const char* step : {"-1", "7.5", "1e+30", "18446744073709551615", "\"7\"", "null"})
    CHECK(message_with("step", Json::parse(step)) == std::string("step is ") + step + kSteps);
  CHECK(message_with("ranks", 4294967297LL) ==
        "ranks is 4294967297, an integer from 1 to 2147483647 is needed");
  CHECK(message_with("ranks", 0) == "ranks is 0, an integer from 1 to 2147483647 is needed");
  CHECK(message_with("files", {{{"name", "data"}, {"bytes", -1}, {"xxh3_128", "00"}}}) ==
        "bytes is -1, an integer from 0 to 18446744073709551615 is needed");
}

TEST_CASE("a file outside the checkpoint's directory is refused by name") {
  for (const char* name : {"", ".", "..", "../x", "/etc/passwd", "a/b", "a/"}) {
    INFO(name);
    CHECK(message_with_file(name) == Json(name).dump() + " is not the name of a file beside it");
  }
  CHECK(message_with_file(std::string("a\0b", 3)) != "accepted");
}

TEST_CASE("a flipped bit anywhere in a manifest is noticed, or changes nothing it says") {
  const std::string text = sealed(good());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string flipped = text;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    INFO(flipped);
    CHECK(message(flipped) != "accepted");
  }
}

TEST_CASE("a huge manifest is not read") {
  const test::Scratch scratch;
  scratch.file("manifest.json", "{}");
  std::filesystem::resize_file(scratch / "manifest.json", (16 << 20) + 1);
  CHECK_THROWS_AS(read_manifest(scratch.path()), base::Error);
}

TEST_CASE("verification names the first file that is missing, of another size or of other contents") {
  const test::Scratch scratch;
  const Manifest manifest{1, 1, "", "", "", {described(scratch.file("data", "1234"))}};
  const auto problem = [&] {
    try {
      verify_files(scratch.path(), manifest);
    } catch (const base::DataError& error) {
      return std::string(error.what()).substr((scratch / "data").string().size());
    }
    return std::string("ok");
  };
  CHECK(problem() == "ok");
  scratch.file("data", "1235");
  CHECK(problem().starts_with(": its contents hash to "));
  scratch.file("data", "12345");
  CHECK(problem() == ": 5 bytes, the manifest says 4");
  std::filesystem::remove(scratch / "data");
  CHECK(problem() == ": cannot read " + (scratch / "data").string() + ": No such file or directory");
}
