#include "kernels/base/file.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

using namespace eightfold::base;
using eightfold::test::Scratch;

namespace {

std::ptrdiff_t entries_in(const Scratch& scratch) {
  return std::distance(std::filesystem::directory_iterator(scratch.path()), {});
}

constexpr std::size_t kLimit = 1 << 20;

// What reading complains about; empty if it does not.
std::string complaint_about(const std::filesystem::path& path, std::size_t limit) {
  try {
    read_file(path, limit);
  } catch (const EnvironmentError& error) {
    return error.what();
  }
  return {};
}

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a file written durably reads back, and replaces what was there") {
  const Scratch scratch;
  for (const std::string& contents : {std::string("first"), std::string(), std::string("a\0b\n", 4)}) {
    write_file_durably(scratch / "state", contents);
    CHECK(read_file(scratch / "state", kLimit) == contents);
    CHECK(entries_in(scratch) == 1);
  }
}

TEST_CASE("a failed write leaves the old file and nothing beside it") {
  const Scratch scratch;
  std::filesystem::create_directory(scratch / "state");
  CHECK_THROWS_AS(write_file_durably(scratch / "state", "x"), EnvironmentError);
  CHECK(entries_in(scratch) == 1);
  CHECK_THROWS_AS(write_file_durably(scratch / "absent" / "state", "x"), EnvironmentError);
}

TEST_CASE("a file beyond the limit is refused with its size") {
  const Scratch scratch;
  write_file_durably(scratch / "big", std::string(11, 'x'));
  CHECK(read_file(scratch / "big", 11).size() == 11);
  const std::string complaint = complaint_about(scratch / "big", 10);
  CHECK(contains(complaint, "11"));
  CHECK(contains(complaint, "big"));
}

TEST_CASE("what cannot be read is named with the system's reason") {
  const Scratch scratch;
  const std::string complaint = complaint_about(scratch / "absent", kLimit);
  CHECK(contains(complaint, "absent"));
  CHECK(contains(complaint, "No such file"));
  CHECK_THROWS_AS(read_file(scratch / "", kLimit), EnvironmentError);
}

TEST_CASE("a durable file is new and holds what was written piece by piece") {
  const Scratch scratch;
  DurableFile file(scratch / "pieces");
  for (const std::string_view piece : {"one", "", " two"}) file.write(std::as_bytes(std::span(piece)));
  file.close();
  CHECK(read_file(scratch / "pieces", kLimit) == "one two");
  CHECK_THROWS_AS(DurableFile(scratch / "pieces"), EnvironmentError);
}

TEST_CASE("new directories are private, existing ones are kept as they are") {
  const Scratch scratch;
  create_private_directories(scratch / "a" / "b");
  create_private_directories(scratch / "a" / "b");
  struct stat status {};
  REQUIRE(::stat((scratch / "a").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);
  write_file_durably(scratch / "file", "");
  CHECK_THROWS_AS(create_private_directories(scratch / "file"), EnvironmentError);
  CHECK_THROWS_AS(create_private_directories(scratch / "file" / "below"), EnvironmentError);
}

TEST_CASE("a directory of one's own is new") {
  const Scratch scratch;
  CHECK(create_private_directory(scratch / "a"));
  CHECK_FALSE(create_private_directory(scratch / "a"));
  struct stat status {};
  REQUIRE(::stat((scratch / "a").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);
  CHECK_THROWS_AS(create_private_directory(scratch / "none" / "b"), EnvironmentError);
}
