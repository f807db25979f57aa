#include "kernels/base/owner_file.hpp"

#include "kernels/base/json.hpp"
#include "tests/support/child.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <optional>
#include <thread>
#include <vector>

using namespace eightfold::base;
using namespace std::chrono_literals;
using eightfold::test::contents_of;
using eightfold::test::end_of_child;
using eightfold::test::Scratch;
using Json = nlohmann::ordered_json;

namespace fs = std::filesystem;

namespace {

constexpr OwnerTimes kPatient{1s, 10min, 10min};  // what needs a wait would run into the time limit
constexpr OwnerTimes kHasty{10s, 50ms, 50ms};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Why this process cannot have it; empty if it can.
std::string refusal(const fs::path& path, OwnerTimes times = kPatient) {
  try {
    const OwnerFile owner(path, "the store", times);
    return owner.is_mine() ? "" : "not its own";
  } catch (const InUseError& error) {
    return error.what();
  }
}

// Leaves the file of an owner that was killed.
void have_killed(const fs::path& path) {
  const auto end = end_of_child([&] {
    const OwnerFile owner(path, "the store");
    ::raise(SIGKILL);
  });
  REQUIRE(end.signal == SIGKILL);
  REQUIRE(fs::exists(path));
}

// The file as an owner would have it that is this process, but for `changes`.
std::string text_of_owner(const Scratch& scratch, const Json& changes) {
  const fs::path path = scratch / "sample";
  const OwnerFile sample(path, "a sample");
  Json json = parse_ordered_json(contents_of(path));
  json.update(changes);
  return json_page(json);
}

// Processes that try at once, each a few times over: who has it holds it until all have tried.
int count_owners(const fs::path& path, int processes) {
  std::array<int, 2> start{}, answers{}, end{};
  for (auto* pipe : {&start, &answers, &end}) REQUIRE(::pipe(pipe->data()) == 0);
  const auto wait_for = [](const std::array<int, 2>& pipe) {
    ::close(pipe[1]);
    char nothing = 0;
    return ::read(pipe[0], &nothing, 1);
  };
  std::vector<pid_t> children;
  for (int i = 0; i < processes; ++i) {
    children.push_back(::fork());
    if (children.back() != 0) continue;
    wait_for(start);
    std::optional<OwnerFile> owner;
    char answer = 'n';
    try {
      owner.emplace(path, "the store", kPatient);
      answer = owner->is_mine() ? 'y' : '?';
    } catch (const InUseError&) {
    }
    ::close(end[1]);
    if (::write(answers[1], &answer, 1) == 1) wait_for(end);
    owner.reset();
    ::_exit(0);
  }
  ::close(start[1]);
  std::string all(static_cast<std::size_t>(processes), ' ');
  for (char& answer : all) REQUIRE(::read(answers[0], &answer, 1) == 1);
  ::close(end[1]);
  for (const pid_t child : children) ::waitpid(child, nullptr, 0);
  for (const int file : {start[0], answers[0], answers[1], end[0]}) ::close(file);
  CAPTURE(all);
  CHECK(all.find('?') == std::string::npos);
  return static_cast<int>(std::count(all.begin(), all.end(), 'y'));
}

}  // namespace

TEST_CASE("an owner file names its process, and goes with it") {
  const Scratch scratch;
  const fs::path path = scratch / "owner.json";
  {
    const OwnerFile owner(path, "the store");
    CHECK(owner.is_mine());
    const Json json = parse_ordered_json(contents_of(path));
    CHECK(json.at("process") == ::getpid());
    CHECK_FALSE(json.at("host").get<std::string>().empty());
    CHECK(json.at("since").get<std::string>().ends_with("Z"));
  }
  CHECK(fs::is_empty(scratch.path()));
}

TEST_CASE("who comes second is told who has it, where and since when, and changes nothing") {
  const Scratch scratch;
  const fs::path path = scratch / "owner.json";
  const OwnerFile owner(path, "the store");
  const std::string before = contents_of(path);
  const Json json = parse_ordered_json(before);
  const std::string named =
      fmt::format("the store: in use by process {} on {}, since {}; ", ::getpid(),
                  json.at("host").get<std::string>(), json.at("since").get<std::string>());
  CHECK(refusal(path).starts_with(named));
  const auto end = end_of_child([&] {
    const std::string text = refusal(path);
    if (::write(STDERR_FILENO, text.data(), text.size()) < 0) ::_exit(1);
  });
  CHECK(end.said.starts_with(named));
  CHECK(contents_of(path) == before);
  CHECK(owner.is_mine());
}

TEST_CASE("the place of an owner that was killed is taken over at once, which is said") {
  const Scratch scratch;
  const fs::path path = scratch / "owner.json";
  have_killed(path);
  const Json dead = parse_ordered_json(contents_of(path));
  const auto end = end_of_child([&] { refusal(path); });
  CHECK(contains(end.said, fmt::format("info: the store: taken over from process {} on ",
                                       dead.at("process").get<std::int64_t>())));
  CHECK(fs::is_empty(scratch.path()));
}

TEST_CASE("a process that has got the number of one that was killed is not taken for it") {
  const Scratch scratch;
  for (const bool locked : {true, false}) {
    const fs::path path =
        scratch.file("owner.json", text_of_owner(scratch, {{"start", 1}, {"locked", locked}}));
    CHECK(refusal(path).empty());
  }
}

TEST_CASE("of any number that start at once one is the owner, whether or not there was one before") {
  const Scratch scratch;
  const fs::path path = scratch / "owner.json";
  for (int round = 0; round < 8; ++round) {
    CAPTURE(round);
    if (round % 2 == 1) have_killed(path);
    CHECK(count_owners(path, 6) == 1);
    CHECK(fs::is_empty(scratch.path()));
  }
}

TEST_CASE("an owner on another machine lives as long as it gives signs of life") {
  const Scratch scratch;
  const fs::path path =
      scratch.file("owner.json", text_of_owner(scratch, {{"kernel", "other"}, {"host", "far"}}));
  {
    const std::jthread heartbeat([&](const std::stop_token& end) {
      for (; !end.stop_requested(); std::this_thread::sleep_for(5ms))
        ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
    });
    CHECK(contains(refusal(path), " on far, since "));
  }
  const auto end = end_of_child([&] { refusal(path, kHasty); });
  CHECK(contains(end.said, "info: the store: waits, up to 50ms, for a sign of life of process "));
  CHECK(contains(end.said, "warning: the store: no sign of life, for 50ms, of process "));
  CHECK(contains(end.said, "info: the store: taken over from process "));
}

TEST_CASE("an owner gives signs of life") {
  const Scratch scratch;
  const fs::path path = scratch / "owner.json";
  const OwnerFile owner(path, "the store", {1ms, 30s, 1s});
  struct stat first {
  }, now{};
  REQUIRE(::stat(path.c_str(), &first) == 0);
  do {
    REQUIRE(::stat(path.c_str(), &now) == 0);
  } while (now.st_mtim.tv_sec == first.st_mtim.tv_sec && now.st_mtim.tv_nsec == first.st_mtim.tv_nsec);
  CHECK(owner.is_mine());
}

TEST_CASE("the copy of an owner file is nobody's, though its process lives") {
  const Scratch scratch;
  const OwnerFile owner(scratch / "owner.json", "the store");
  fs::copy(scratch / "owner.json", scratch / "copy.json");
  CHECK(refusal(scratch / "copy.json", kHasty).empty());
  CHECK(owner.is_mine());
}

TEST_CASE("an owner whose place was taken knows, and leaves the file alone") {
  const Scratch scratch;
  const fs::path path = scratch / "owner.json";
  const std::string others = text_of_owner(scratch, {{"kernel", "other"}, {"token", "others"}});
  {
    const OwnerFile owner(path, "the store");
    fs::rename(scratch.file("others", others), path);
    CHECK_FALSE(owner.is_mine());
  }
  CHECK(contents_of(path) == others);
  fs::remove(path);
  const OwnerFile owner(path, "the store");
  fs::remove(path);
  CHECK_FALSE(owner.is_mine());
  CHECK(refusal(path).empty());
}

TEST_CASE("what does not name an owner is in the way only for a while") {
  const Scratch scratch;
  for (const std::string text : {"", "{", "[]", "{\"host\": 3}"}) {
    CAPTURE(text);
    CHECK(refusal(scratch.file("owner.json", text), kHasty).empty());
    scratch.file("owner.json.next", text);  // of who was killed before it could say who it was
    CHECK(refusal(scratch / "owner.json", kHasty).empty());
    CHECK(fs::is_empty(scratch.path()));
  }
  scratch.file("owner.json.next", text_of_owner(scratch, {{"start", 1}, {"locked", false}}));
  CHECK(refusal(scratch / "owner.json").empty());
}

TEST_CASE("where there can be no owner file, that is an error of the machine") {
  const Scratch scratch;
  fs::create_directory(scratch / "folder");
  fs::create_symlink("elsewhere", scratch / "link");
  for (const char* name : {"nowhere/owner.json", "folder", "link"}) {
    try {
      const OwnerFile owner(scratch / name, "the store");
      FAIL("accepted");
    } catch (const InUseError&) {
      FAIL("in use");
    } catch (const EnvironmentError& error) {
      CHECK(contains(error.what(), (scratch / name).string()));
    }
  }
}
