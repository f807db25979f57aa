#include "tests/fuzz/target.hpp"

#include "kernels/base/error.hpp"
#include "tests/fuzz/allocations.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace eightfold::fuzz {
namespace {

constexpr std::size_t kConstant = 128 << 10;
constexpr std::size_t kNode = 64;
constexpr std::size_t kLongestMessage = 8 << 10;

// The nearest that any input came to its limit, told at the end.
struct Tightest {
  std::size_t peak = 0, limit = 1;

  ~Tightest() { std::fprintf(stderr, "nearest to the memory limit: %zu of %zu bytes\n", peak, limit); }
  void note(std::size_t other, std::size_t its_limit) {
    if (static_cast<double>(other) / static_cast<double>(its_limit) >
        static_cast<double>(peak) / static_cast<double>(limit)) {
      peak = other;
      limit = its_limit;
    }
  }
};
Tightest tightest;

void check_message(std::string_view message) {
  const auto is_control = [](unsigned char c) { return c < 0x20; };
  base::require(!message.empty() && message.size() <= kLongestMessage, "a message of {} bytes",
                message.size());
  base::require(std::ranges::none_of(message, is_control), "a control character in the message \"{}\"",
                message);
}

}  // namespace

std::string_view text_of(Input input) {
  return {reinterpret_cast<const char*>(input.data()), input.size()};
}

MemoryLimit twice(std::size_t input_bytes) {
  return {2 * input_bytes + kConstant, 2 * input_bytes + kConstant};
}

MemoryLimit tree_of(std::size_t input_bytes) {
  return {kNode * input_bytes + kConstant, 2 * input_bytes + kConstant};
}

bool accepts(const MemoryLimit& limit, const std::function<void()>& read) {
  std::string message;
  start_counting(limit);
  try {
    read();
    tightest.note(stop_counting(), limit.live);
    return true;
  } catch (const base::ConfigError& error) {
    tightest.note(stop_counting(), limit.live);
    check_message(error.what());
  } catch (const base::DataError& error) {
    tightest.note(stop_counting(), limit.live);
    check_message(error.what());
  }
  return false;
}

// A name of its own, not one in /proc: readers of checkpoints follow no link.
MemoryFile::MemoryFile(Input contents) : path_("/dev/shm/eightfold-fuzz-XXXXXX") {
  const int descriptor = ::mkstemp(path_.data());
  base::require(descriptor >= 0, "no file in /dev/shm");
  while (!contents.empty()) {
    const ssize_t written = ::write(descriptor, contents.data(), contents.size());
    base::require(written > 0, "/dev/shm is full");
    contents = contents.subspan(static_cast<std::size_t>(written));
  }
  ::close(descriptor);
}

MemoryFile::~MemoryFile() {
  ::unlink(path_.c_str());
}

}  // namespace eightfold::fuzz
