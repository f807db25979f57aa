#include "runtime/checkpoint/safetensors.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <fmt/format.h>

#include <array>

using namespace eightfold;
using namespace eightfold::runtime::checkpoint;
using kernels::Shape;

namespace {

// A file of 8 bytes of length, a header and data.
std::string file_of(std::uint64_t header_bytes, const std::string& header, const std::string& data) {
  std::string text;
  for (int i = 0; i < 8; ++i) text += static_cast<char>(header_bytes >> (8 * i));
  return text + header + data;
}
std::string file_of(const std::string& header, const std::string& data) {
  return file_of(header.size(), header, data);
}

// The message about these bytes, without the file's name.
std::string message(const std::string& bytes) {
  const test::Scratch scratch;
  const std::filesystem::path path = scratch.file("x", bytes);
  try {
    const SafetensorsFile file(path);
  } catch (const base::DataError& error) {
    const std::string prefix = path.string() + ": ", text = error.what();
    return text.starts_with(prefix) ? text.substr(prefix.size()) : "does not name the file: " + text;
  }
  return "accepted";
}

bool complains(const std::string& bytes, const std::string& part) {
  const std::string text = message(bytes);
  INFO(text);
  const bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"t":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

const std::string kFour(4, 'x');

}  // namespace

TEST_CASE("tensors of every type and shape come back bit for bit, with their metadata in place") {
  const test::Scratch scratch;
  std::vector<float> floats = {1.5F, -0.0F, 3e-45F};
  std::vector<double> doubles = {2.5};
  std::vector<std::uint8_t> bytes = {1, 2, 3, 4, 5, 6};
  std::vector<std::int32_t> integers;
  const auto path = scratch / "all.safetensors";
  write_safetensors(path,
                    {{"a.weight", kernels::host_tensor(std::span<const float>(floats), Shape{3})},
                     {"a.scalar", kernels::host_tensor(std::span<const double>(doubles), Shape{})},
                     {"bytes", kernels::host_tensor(std::span<const std::uint8_t>(bytes), Shape{2, 3})},
                     {"nothing", kernels::host_tensor(std::span<const std::int32_t>(integers), Shape{0, 7})}},
                    {{"step", "12"}});
  const SafetensorsFile file(path);
  REQUIRE(file.entries().size() == 4);
  std::vector<float> floats_back(3);
  std::vector<double> doubles_back(1);
  std::vector<std::uint8_t> bytes_back(6);
  std::vector<std::int32_t> integers_back;
  file.read("a.weight", kernels::host_tensor(std::span(floats_back), Shape{3}));
  file.read("a.scalar", kernels::host_tensor(std::span(doubles_back), Shape{}));
  file.read("bytes", kernels::host_tensor(std::span(bytes_back), Shape{2, 3}));
  CHECK(std::memcmp(floats_back.data(), floats.data(), 12) == 0);
  CHECK(doubles_back == doubles);
  CHECK(bytes_back == bytes);
  CHECK(file.entries().at("nothing").shape == std::vector<std::int64_t>{0, 7});

  const std::string text = test::contents_of(path);
  CHECK(static_cast<unsigned char>(text[0]) % 8 == 0);  // tensors start aligned
  CHECK(text.find(R"("__metadata__":{"step":"12"})") != std::string::npos);
}

TEST_CASE("a file without tensors is a file") {
  const test::Scratch scratch;
  write_safetensors(scratch / "none", {}, {});
  CHECK(SafetensorsFile(scratch / "none").entries().empty());
  CHECK(message(file_of("{}", "")) == "accepted");
}

TEST_CASE("a well-formed file of another writer is accepted") {
  CHECK(message(file_of(entry("F32", "[1]", "[0,4]") + "     ", kFour)) == "accepted");
  CHECK(message(file_of(R"({"__metadata__":{"a":"b"},"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})",
                        kFour)) == "accepted");
}

TEST_CASE("a file is not overwritten") {
  const test::Scratch scratch;
  write_safetensors(scratch / "once", {}, {});
  CHECK_THROWS_AS(write_safetensors(scratch / "once", {}, {}), base::EnvironmentError);
}

TEST_CASE("a file that is not there is a data error with the system's reason") {
  const test::Scratch scratch;
  try {
    const SafetensorsFile file(scratch / "missing");
    FAIL("accepted");
  } catch (const base::DataError& error) {
    CHECK(std::string(error.what()) ==
          "cannot read " + (scratch / "missing").string() + ": No such file or directory");
  }
}

TEST_CASE("a file too short for a header length is refused") {
  for (std::size_t size = 0; size < 8; ++size)
    complains(std::string(size, '\0'), fmt::format("{} bytes are too few for a safetensors file", size));
}

TEST_CASE("a header length beyond the file or the limit is refused before anything is allocated") {
  complains(file_of(3, "{}", ""), "a header of 3 bytes in a file of 10; at most 100000000 are allowed");
  complains(file_of(100'000'001, "{}", ""), "a header of 100000001 bytes");
  complains(file_of(~0ULL, "{}", ""), "a header of 18446744073709551615 bytes");
  complains(file_of(1ULL << 63, "{}", ""), "a header of 9223372036854775808 bytes");
}

TEST_CASE("a header that is no JSON object is refused") {
  complains(file_of("", ""), "the header does not start with {");
  complains(file_of("[1]", ""), "the header does not start with {");
  complains(file_of(" {}", ""), "the header does not start with {");
  complains(file_of("{", ""), "this is not JSON");
  complains(file_of("{}{}", ""), "this is not JSON");
  complains(file_of("{\"a\xff\":1}", ""), "this is not JSON");
}

TEST_CASE("names that stand twice are refused, of tensors and within their entries") {
  const std::string one = R"("t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
  complains(file_of("{" + one + "," + one + "}", kFour), R"(the name "t" stands twice in the JSON)");
  complains(file_of(R"({"t":{"dtype":"U8","dtype":"F32","shape":[4],"data_offsets":[0,4]}})", kFour),
            R"(the name "dtype" stands twice in the JSON)");
}

TEST_CASE("a header that nests deeply is refused, however deep") {
  for (const std::size_t depth : {6UL, 100000UL})
    complains(file_of(R"({"t":)" + std::string(depth, '[') + std::string(depth, ']') + "}", ""),
              "nests deeper than 4");
}

TEST_CASE("an entry that lacks a part or has one of the wrong kind is refused by name") {
  for (const char* header : {R"({"t":{}})", R"({"t":5})", R"({"t":{"dtype":"U8","shape":[4]}})",
                             R"({"t":{"dtype":"U8","data_offsets":[0,4]}})",
                             R"({"t":{"dtype":8,"shape":[4],"data_offsets":[0,4]}})",
                             R"({"t":{"dtype":"U8","shape":4,"data_offsets":[0,4]}})",
                             R"({"t":{"dtype":"U8","shape":[4],"data_offsets":[0]}})",
                             R"({"t":{"dtype":"U8","shape":[4],"data_offsets":{}}})"}) {
    INFO(header);
    complains(file_of(header, kFour), "the header's entry for tensor t is malformed");
  }
}

TEST_CASE("a tensor of a type that this program does not know is passed over, and others are read") {
  const test::Scratch scratch;
  const std::string header = R"({"seen":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},)"
                             R"("w":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},)"
                             R"("packed":{"dtype":"F4","shape":[3],"data_offsets":[12,14]}})";
  const float value = 1.5F;
  std::string data(8, '\7');
  data.append(reinterpret_cast<const char*>(&value), sizeof value);
  const SafetensorsFile file(scratch.file("x", file_of(header, data + "ab")));
  float read = 0;
  const kernels::Tensor to = kernels::host_tensor(std::span(&read, 1), Shape{1});
  file.read("w", to);
  CHECK(read == value);
  CHECK_THROWS_WITH(file.read("seen", to),
                    (scratch / "x").string() + ": tensor seen is I64 [1], F32 [1] was expected");
  complains(file_of(entry("I64", "[1]", "[0,3]"), kFour), "the header describes 3 bytes of tensors");
  complains(file_of(entry("I64", "[1]", "[4,0]"), kFour), "tensor t of I64 [1] cannot stand at bytes 4 to 0");
}

TEST_CASE("what is no name of a type is refused") {
  for (const char* type : {"f32", "", "F 32", "F32-OF-A-NAME-THAT-IS-TOO-LONG-FOR-ONE"})
    complains(file_of(entry(type, "[1]", "[0,4]"), kFour), "tensor t has the unsupported type ");
}

TEST_CASE("what a stranger wrote reaches no terminal as it is") {
  complains(file_of(R"({"\u001b[31m":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", kFour),
            R"(the tensor's name "\u001B[31m" has control characters)");
  complains(
      file_of(fmt::format(R"({{"{:n>1001}":{{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}}})", ""), kFour),
      "the tensor's name a value of 1003 characters has control characters or more than 1000 bytes");
  complains(file_of(entry(R"(F\n8)", "[4]", "[0,4]"), kFour),
            R"(tensor t has the unsupported type "F\u000A8")");
}

TEST_CASE("a shape that disagrees with its bytes or overflows is refused") {
  complains(file_of(entry("F32", "[2]", "[0,4]"), kFour), "tensor t of F32 [2] cannot stand at bytes 0 to 4");
  complains(file_of(entry("F32", "[1]", "[4,0]"), kFour), "tensor t of F32 [1] cannot stand at bytes 4 to 0");
  complains(file_of(entry("U8", "[-4]", "[0,4]"), kFour), "tensor t of U8 [-4] cannot stand");
  complains(file_of(entry("F32", "[4611686018427387904,4]", "[0,0]"), ""), "cannot stand at bytes 0 to 0");
  complains(file_of(entry("U8", "[4294967296,4294967296]", "[0,0]"), ""), "cannot stand at bytes 0 to 0");
  complains(file_of(entry("U8", "[4294967295,4294967297,4]", "[0,4]"), kFour),
            "cannot stand at bytes 0 to 4");
}

TEST_CASE("a header with a number that is no integer or does not fit is refused") {
  for (const char* number : {"-1", "0.5", "1.8446744073709552e+19", "false", "null", "\"4\""}) {
    complains(file_of(entry("U8", "[4]", fmt::format("[{},4]", number)), kFour),
              fmt::format("a number of tensor t is {}, an integer from 0 to 18446744073709551615 is needed",
                          number));
    complains(file_of(entry("U8", "[4]", fmt::format("[0,{}]", number)), kFour),
              fmt::format("a number of tensor t is {}, an integer", number));
  }
  for (const char* number : {"4.5", "true", "1e+30", "18446744073709551615", "null", "\"4\""})
    complains(
        file_of(entry("U8", fmt::format("[{}]", number), "[0,4]"), kFour),
        fmt::format("a number of tensor t is {}, an integer from -9223372036854775808 to 9223372036854775807",
                    number));
}

TEST_CASE("tensors cover the data exactly: no gap, no overlap, nothing missing, nothing left") {
  const auto two = [](const std::string& first, const std::string& second) {
    return R"({"a":{"dtype":"U8","shape":[2],"data_offsets":)" + first +
           R"(},"b":{"dtype":"U8","shape":[2],"data_offsets":)" + second + "}}";
  };
  CHECK(message(file_of(two("[2,4]", "[0,2]"), kFour)) == "accepted");  // in any order
  complains(file_of(two("[0,2]", "[3,5]"), "12345"), "tensors leave a gap or overlap at byte 2");
  complains(file_of(two("[0,2]", "[1,3]"), "123"), "tensors leave a gap or overlap at byte 2");
  complains(file_of(two("[1,3]", "[3,5]"), "12345"), "tensors leave a gap or overlap at byte 0");
  complains(file_of(two("[0,2]", "[2,4]"), "123"), "the header describes 4 bytes of tensors, the file has 3");
  complains(file_of(two("[0,2]", "[2,4]"), "12345"),
            "the header describes 4 bytes of tensors, the file has 5");
  complains(file_of("{}", "1"), "the header describes 0 bytes of tensors, the file has 1");
}

TEST_CASE("a tensor is read only under its own name, type and shape") {
  const test::Scratch scratch;
  const SafetensorsFile file(
      scratch.file("x", file_of(entry("F32", "[2,3]", "[0,24]"), std::string(24, '\0'))));
  std::vector<float> six(6);
  std::vector<std::int32_t> integers(6);
  const auto message_about = [&](const std::string& name, kernels::Tensor to) {
    try {
      file.read(name, to);
    } catch (const base::DataError& error) {
      return std::string(error.what()).substr((scratch / "x").string().size());
    }
    return std::string("accepted");
  };
  CHECK(message_about("t", kernels::host_tensor(std::span(six), Shape{2, 3})) == "accepted");
  CHECK(message_about("u", kernels::host_tensor(std::span(six), Shape{2, 3})) == ": there is no tensor u");
  CHECK(message_about("t", kernels::host_tensor(std::span(six), Shape{6})) ==
        ": tensor t is F32 [2, 3], F32 [6] was expected");
  CHECK(message_about("t", kernels::host_tensor(std::span(integers), Shape{2, 3})) ==
        ": tensor t is F32 [2, 3], I32 [2, 3] was expected");
}
