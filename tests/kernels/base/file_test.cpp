#include "kernels/base/file.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/signals.hpp"
#include "tests/support/child.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>

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

mode_t mode_of(const std::filesystem::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777 : 0;
}

// While it lives, files are made with these permissions taken away.
class Umask {
 public:
  explicit Umask(mode_t mask) : before_(::umask(mask)) {}
  ~Umask() { ::umask(before_); }
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;

 private:
  mode_t before_;
};

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

TEST_CASE("files for others have the permissions that the umask leaves, the others are their owner's") {
  const Scratch scratch;
  for (const auto& [mask, expected] : {std::pair{0022, 0644}, std::pair{0, 0666}, std::pair{0077, 0600}}) {
    const Umask umask(static_cast<mode_t>(mask));
    write_output_file(scratch / fmt::format("{}", mask), "x");
    CHECK(mode_of(scratch / fmt::format("{}", mask)) == static_cast<mode_t>(expected));
    create_directories(scratch / fmt::format("d{}", mask) / "below", Access::umask);
    CHECK(mode_of(scratch / fmt::format("d{}", mask) / "below") == static_cast<mode_t>(0777 & ~mask));
    write_file_durably(scratch / "private", "x");
    CHECK(mode_of(scratch / "private") == 0600);
  }
}

TEST_CASE("a file for others keeps the permissions that it was given") {
  const Scratch scratch;
  write_output_file(scratch / "shared", "old");
  std::filesystem::permissions(scratch / "shared", std::filesystem::perms(0664));
  write_output_file(scratch / "shared", "new");
  CHECK(mode_of(scratch / "shared") == 0664);
  CHECK(read_file(scratch / "shared", kLimit) == "new");
}

TEST_CASE("a file for others is written through links, there or not, and the links stay") {
  const Scratch scratch;
  std::filesystem::create_directory(scratch / "far");
  std::filesystem::create_symlink("far/target", scratch / "link");
  std::filesystem::create_symlink(scratch / "link", scratch / "absolute");
  for (const std::string& contents : {std::string("first"), std::string("second")}) {
    write_output_file(scratch / "absolute", contents);
    CHECK(std::filesystem::is_symlink(scratch / "absolute"));
    CHECK(std::filesystem::is_symlink(scratch / "link"));
    CHECK(read_file(scratch / "far" / "target", kLimit) == contents);
  }
  CHECK(entries_in(scratch) == 3);
  std::filesystem::create_symlink("circle", scratch / "circle");
  CHECK_THROWS_AS(write_output_file(scratch / "circle", "x"), EnvironmentError);
}

TEST_CASE("a pipe is read to its end, and no further than the limit") {
  const Scratch scratch;
  const auto pipe = scratch / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  for (const std::size_t size : {0, 1, 1 << 14, 100001}) {
    const std::string sent(size, 'x');
    std::thread writer([&] {
      std::FILE* file = std::fopen(pipe.c_str(), "w");
      std::fwrite(sent.data(), 1, sent.size(), file);
      std::fclose(file);
    });
    const std::string got = read_file(pipe, 100001);
    writer.join();
    CHECK(got == sent);
  }
  CHECK(contains(complaint_about("/dev/zero", 1000), "more than the 1000 allowed"));
}

TEST_CASE("a limit on the size of files is an error like a full disk, not the end") {
  const Scratch scratch;
  const auto end = eightfold::test::end_of_child([&] {
    ignore_output_signals();
    const rlimit limit{5, 5};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      write_file_durably(scratch / "large", "123456");
    } catch (const EnvironmentError& error) {
      std::fprintf(stderr, "%s", error.what());
    }
  });
  CHECK(end.signal == 0);
  CHECK(contains(end.said, std::strerror(EFBIG)));
  CHECK(entries_in(scratch) == 0);
}

TEST_CASE("a directory that cannot be synced at all is no error, one that is not there is") {
  CHECK_NOTHROW(sync_directory("/proc"));  // EINVAL
  const Scratch scratch;
  CHECK_NOTHROW(sync_directory(scratch.path()));
  CHECK_THROWS_AS(sync_directory(scratch / "absent"), EnvironmentError);
}

TEST_CASE("errors that say that there is no such call are told from those of one that failed") {
  for (const int error : {EINVAL, ENOSYS, EOPNOTSUPP, ENOTSUP, ENOTTY, ENOLCK, EBADF, EISDIR, EROFS})
    CHECK(is_unsupported(error));
  for (const int error : {EIO, ENOSPC, EDQUOT, EFBIG, ENOMEM, EACCES, EPERM, ESTALE, 0})
    CHECK_FALSE(is_unsupported(error));
}
