#include "runtime/data/idx.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/file.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

using namespace eightfold;
using namespace eightfold::runtime::data;
using eightfold::test::Scratch;
using namespace std::string_literals;

namespace {

constexpr std::size_t kAnySize = 1 << 30;

// Bytes that do not compress to nothing.
IdxArray sample_array(std::vector<std::int64_t> extents) {
  IdxArray array{std::move(extents), {}};
  std::size_t count = 1;
  for (const std::int64_t extent : array.extents) count *= static_cast<std::size_t>(extent);
  for (std::uint32_t i = 0; i < count; ++i)
    array.values.push_back(static_cast<std::uint8_t>(i * 2654435761u >> 24));
  return array;
}

std::string written(const Scratch& scratch, const std::string& name, const IdxArray& array) {
  write_idx(scratch.path() / name, array);
  return base::read_file(scratch.path() / name, kAnySize);
}

// The message with which reading these contents as images fails.
std::string complaint(const Scratch& scratch, const std::string& contents, std::size_t dimensions = 3) {
  const auto path = scratch.file("hostile", contents);
  try {
    read_idx(path, dimensions);
  } catch (const base::DataError& error) {
    const std::string message = error.what();
    REQUIRE(message.find(path.string()) == 0);
    return message.substr(path.string().size());
  }
  return "nothing";
}

// These bytes compressed, whatever they are.
std::string gzip_of(const Scratch& scratch, const std::string& contents) {
  const auto path = scratch.path() / "compressed";
  const gzFile file = gzopen(path.c_str(), "wb");
  REQUIRE(file != nullptr);
  CHECK(gzwrite(file, contents.data(), static_cast<unsigned>(contents.size())) ==
        static_cast<int>(contents.size()));
  REQUIRE(gzclose(file) == Z_OK);
  return base::read_file(path, kAnySize);
}

const std::string kHeader = "\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x03"s;

}  // namespace

TEST_CASE("the bytes of an IDX file are those of its definition") {
  const Scratch scratch;
  CHECK(written(scratch, "a", {{2, 2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255}}) ==
        kHeader + "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\xff"s);
}

TEST_CASE("an array written and read is the same array, plain and compressed") {
  const Scratch scratch;
  const std::vector<std::vector<std::int64_t>> shapes = {{1},       {258},          {1, 1, 1},
                                                         {3, 5, 7}, {1000, 40, 41}, {2, 3, 4, 5}};
  for (const auto& extents : shapes)
    for (const char* name : {"array", "array.gz"}) {
      const IdxArray array = sample_array(extents);
      const std::string bytes = written(scratch, name, array);
      CHECK((bytes.substr(0, 2) == "\x1f\x8b") == (std::string(name) == "array.gz"));
      const IdxArray read = read_idx(scratch.path() / name, extents.size());
      CHECK(read.extents == array.extents);
      CHECK(read.values == array.values);
    }
}

TEST_CASE("compression is told by the contents, not by the name, and is reproducible") {
  const Scratch scratch;
  const IdxArray array = sample_array({20, 9, 9});
  const std::string compressed = written(scratch, "a.gz", array);
  CHECK(written(scratch, "a.gz", array) == compressed);
  CHECK(read_idx(scratch.file("renamed", compressed), 3).values == array.values);
  CHECK(read_idx(scratch.file("unpacked.gz", written(scratch, "a", array)), 3).values == array.values);
}

TEST_CASE("an array that is compressed in several pieces comes back") {
  const Scratch scratch;
  const IdxArray array = sample_array({3000, 1100});
  write_idx(scratch.path() / "a.gz", array);
  CHECK(read_idx(scratch.path() / "a.gz", 2).values == array.values);
}

TEST_CASE("a gzip file of several members is read as one") {
  const Scratch scratch;
  const IdxArray array = sample_array({40, 50, 60});
  const std::string whole = written(scratch, "whole", array);
  std::string members = gzip_of(scratch, "");
  for (std::size_t first = 0; first < whole.size(); first += 9999)
    members += gzip_of(scratch, whole.substr(first, 9999));
  CHECK(read_idx(scratch.file("members", members), 3).values == array.values);
}

TEST_CASE("zeros behind a gzip file, and between its members, are padding") {
  const Scratch scratch;
  const IdxArray array = sample_array({40, 50, 60});
  const std::string whole = written(scratch, "whole", array);
  const std::string first = gzip_of(scratch, whole.substr(0, 70'000));
  const std::string second = gzip_of(scratch, whole.substr(70'000));
  for (const std::size_t zeros : {1UL, 2UL, 512UL, 65'535UL, 65'536UL, 65'537UL, 200'000UL}) {
    CAPTURE(zeros);
    const std::string padding(zeros, '\0');
    CHECK(read_idx(scratch.file("behind", first + second + padding), 3).values == array.values);
    CHECK(read_idx(scratch.file("between", first + padding + second), 3).values == array.values);
    CHECK(
        complaint(scratch, first + second + padding + "x")
            .starts_with(fmt::format(": bytes that are not gzip follow the compressed data, from byte {} of",
                                     first.size() + second.size() + zeros)));
    CHECK(complaint(scratch, first + padding).find("bytes follow the header") != std::string::npos);
  }
}

TEST_CASE("hostile IDX files are refused with what is wrong and what was expected") {
  struct Case {
    const char* what;
    std::string contents;
    std::string message;
  };
  const std::string values(12, 'x');
  const Case cases[] = {
      {"empty", "", ": not an IDX file: it has only 0 bytes"},
      {"cut magic", "\0\0\x08"s, ": not an IDX file: it has only 3 bytes"},
      {"another format", "PK\x03\x04 and so on",
       ": not an IDX file: it starts with 50 4b 03 04; 00 00 08 03 was expected"},
      {"floats", "\0\0\x0d\x03"s + values,
       ": IDX values of type 0x0d (byte 2); only 0x08, unsigned bytes, is read"},
      {"labels as images", "\0\0\x08\x01\0\0\0\x0c"s + values,
       ": 1 dimensions (byte 3) where 3 were expected; images have 3, labels 1"},
      {"many dimensions", "\0\0\x08\xff"s + values,
       ": 255 dimensions (byte 3) where 3 were expected; images have 3, labels 1"},
      {"cut header", kHeader.substr(0, 15), ": the header ends after 15 bytes; 3 dimensions take 16"},
      {"no images", "\0\0\x08\x03\0\0\0\0\0\0\0\x02\0\0\0\x03"s,
       ": dimension 0 is 0 (byte 4); it must be at least 1"},
      {"no width", "\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\0"s + values,
       ": dimension 2 is 0 (byte 12); it must be at least 1"},
      {"overflow", "\0\0\x08\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"s + values,
       ": the header announces 4294967295 x 4294967295 x 4294967295 values, more than any file holds"},
      {"overflow to the right size", "\0\0\x08\x03\x80\0\0\0\x80\0\0\0\0\0\0\x04"s,
       ": the header announces 2147483648 x 2147483648 x 4 values, more than any file holds"},
      {"large lie", "\0\0\x08\x03\x7f\xff\xff\xff\x7f\xff\xff\xff\0\0\0\x01"s + values,
       ": 12 bytes follow the header, which announces 2147483647 x 2147483647 x 1 = 4611686014132420609"},
      {"short", kHeader + values.substr(1), ": 11 bytes follow the header, which announces 2 x 2 x 3 = 12"},
      {"long", kHeader + values + "y", ": 13 bytes follow the header, which announces 2 x 2 x 3 = 12"},
  };
  const Scratch scratch;
  for (const Case& hostile : cases) {
    CAPTURE(hostile.what);
    CHECK(complaint(scratch, hostile.contents) == hostile.message);
  }
}

TEST_CASE("hostile gzip files are refused with the offset") {
  const Scratch scratch;
  const std::string good = written(scratch, "good.gz", sample_array({10, 9, 9}));
  REQUIRE(complaint(scratch, good) == "nothing");
  SECTION("every truncation is noticed") {
    for (std::size_t size = 3; size < good.size(); ++size) {
      CAPTURE(size);
      const std::string message = complaint(scratch, good.substr(0, size));
      CHECK(message.find(fmt::format("the compressed data break off at byte {}", size)) != std::string::npos);
    }
  }
  SECTION("garbage behind the data") {
    const auto expected =
        fmt::format(": bytes that are not gzip follow the compressed data, from byte {} of {}", good.size(),
                    good.size() + 5);
    CHECK(complaint(scratch, good + "12345") == expected);
    CHECK(complaint(scratch, good + "\x1f").find("bytes that are not gzip") != std::string::npos);
  }
  SECTION("a flipped bit in the data or in its checksum") {
    for (const std::size_t at : {std::size_t{3}, good.size() / 2, good.size() - 8, good.size() - 1}) {
      std::string damaged = good;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
      CAPTURE(at);
      CHECK(complaint(scratch, damaged) != "nothing");
    }
  }
}

TEST_CASE("a compressed header is believed only as far as the contents reach") {
  const Scratch scratch;
  const std::string values(12, 'x');
  const auto gzip = [&](const std::string& contents) { return gzip_of(scratch, contents); };
  CHECK(complaint(scratch, gzip(kHeader + values)) == "nothing");
  CHECK(complaint(scratch, gzip("")) == ": not an IDX file: it has only 0 bytes");
  CHECK(complaint(scratch, gzip(kHeader.substr(0, 9))) ==
        ": the header ends after 9 bytes; 3 dimensions take 16");
  CHECK(complaint(scratch, gzip(kHeader + values.substr(1))) ==
        ": 11 bytes follow the header, which announces 2 x 2 x 3 = 12");
  CHECK(complaint(scratch, gzip(kHeader + values + "y")) ==
        ": 13 bytes follow the header, which announces 2 x 2 x 3 = 12");
  // Believing this one would take 4 EiB.
  CHECK(complaint(scratch, gzip("\0\0\x08\x03\x7f\xff\xff\xff\x7f\xff\xff\xff\0\0\0\x01"s + values)) ==
        ": 12 bytes follow the header, which announces 2147483647 x 2147483647 x 1 = 4611686014132420609");
}

TEST_CASE("images and labels must match") {
  const Scratch scratch;
  const auto images = scratch.path() / "images";
  const auto labels = scratch.path() / "labels";
  write_idx(images, sample_array({3, 2, 2}));
  SECTION("and are then a source") {
    write_idx(labels, {{3}, {4, 0, 9}});
    const auto source = read_idx_pair(images, labels);
    CHECK(source->size() == 3);
    CHECK(source->classes() == 10);
    CHECK(source->sample_shape() == SampleShape{2, 2, 1});
    std::vector<std::uint8_t> image(4);
    std::int32_t label = 0;
    source->read(1, image, label);
    const IdxArray array = sample_array({3, 2, 2});
    CHECK(std::ranges::equal(image, std::span(array.values).subspan(4, 4)));
    CHECK(label == 0);
  }
  SECTION("in number") {
    write_idx(labels, {{2}, {0, 1}});
    CHECK_THROWS_WITH(read_idx_pair(images, labels),
                      images.string() + " holds 3 images, but " + labels.string() + " holds 2 labels");
  }
  SECTION("and a sample is known by the record of its label") {
    write_idx(labels, {{3}, {0, 255, 1}});
    const auto source = read_idx_pair(images, labels);
    CHECK(source->classes() == 256);
    CHECK(source->place(1) == labels.string() + ": record 1");
  }
}

TEST_CASE("what is not a file is refused") {
  const Scratch scratch;
  CHECK_THROWS_AS(read_idx(scratch.path(), 3), base::DataError);
  CHECK_THROWS_AS(read_idx(scratch.path() / "missing", 3), base::DataError);
}
