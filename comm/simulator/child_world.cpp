#include "comm/simulator/child_world.hpp"

#include "kernels/base/descriptor.hpp"
#include "kernels/base/error.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <system_error>

namespace eightfold::comm::simulator {
namespace {

// The child's answer: a word for success or failure, then the result.
enum class Outcome : char { times, failure, refusal };

struct Header {
  double step_s, exposed_s, codec_s, wire_s;
  std::size_t flows, ranks;
};

// The child is a copy of this process, so that structures may travel as their bytes.
std::string text_of(const SimulatedTimes& times) {
  const Header header{times.step_s, times.exposed_s, times.codec_s,
                      times.wire_s, times.flows,     times.bytes_sent.size()};
  std::string text(1, static_cast<char>(Outcome::times));
  text.append(reinterpret_cast<const char*>(&header), sizeof header);
  text.append(reinterpret_cast<const char*>(times.bytes_sent.data()),
              times.bytes_sent.size() * sizeof(std::size_t));
  return text;
}

SimulatedTimes times_of(std::string_view text) {
  Header header;
  base::require(text.size() >= sizeof header, "a simulation has told {} bytes", text.size());
  std::memcpy(&header, text.data(), sizeof header);
  text.remove_prefix(sizeof header);
  base::require(text.size() == header.ranks * sizeof(std::size_t),
                "a simulation has told {} bytes of {} ranks", text.size(), header.ranks);
  SimulatedTimes times{.step_s = header.step_s,
                       .exposed_s = header.exposed_s,
                       .codec_s = header.codec_s,
                       .wire_s = header.wire_s,
                       .bytes_sent = std::vector<std::size_t>(header.ranks),
                       .flows = header.flows};
  std::memcpy(times.bytes_sent.data(), text.data(), text.size());
  return times;
}

std::string said(Outcome outcome, std::string_view words) {
  return std::string(1, static_cast<char>(outcome)).append(words);
}

std::string played(const std::function<SimulatedTimes()>& play) {
  try {
    return text_of(play());
  } catch (const base::EnvironmentError& error) {
    return said(Outcome::refusal, error.what());
  } catch (const std::bad_alloc&) {
    return said(Outcome::refusal, "a simulation needs more memory than there is");
  } catch (const std::exception& error) {
    return said(Outcome::failure, error.what());
  }
}

[[noreturn]] void fail(const char* call) {
  base::raise<base::EnvironmentError>("no process for a simulation: {}: {}", call,
                                      std::generic_category().message(errno));
}

void write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno != EINTR) return;  // nobody listens any more
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string read_all(int file) {
  std::string text;
  std::array<char, 4096> buffer;
  while (true) {
    const ssize_t count = ::read(file, buffer.data(), buffer.size());
    if (count == 0) return text;
    if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
    if (count < 0 && errno != EINTR) fail("read");
  }
}

}  // namespace

SimulatedTimes in_child_world(const std::function<SimulatedTimes()>& play) {
  int ends[2];
  if (::pipe(ends) != 0) fail("pipe");
  base::Descriptor reading(ends[0]), writing(ends[1]);
  std::fflush(nullptr);  // or the child would write what this process has buffered, too
  const pid_t child = ::fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // nobody would hear what it finds out
    reading.close();
    write_all(writing.get(), played(play));
    ::_exit(0);  // what else this process would do at its end is its parent's
  }
  // The end of the text shows only when nobody can write any more.
  writing.close();
  // Before waiting for the child: with more than fits into the pipe, 64 KiB, it cannot end until this has
  // read.
  const std::string text = read_all(reading.get());
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status))
    base::raise<base::EnvironmentError>(
        "a simulation was ended by signal {}; where that is 9, it may have needed more memory than there is",
        WTERMSIG(status));
  base::require(status == 0 && !text.empty(), "a simulation ended with status {}", status);
  const auto outcome = static_cast<Outcome>(text.front());
  const std::string_view rest = std::string_view(text).substr(1);
  if (outcome == Outcome::refusal) base::raise<base::EnvironmentError>("{}", rest);
  base::require(outcome == Outcome::times, "a simulation failed: {}", rest);
  return times_of(rest);
}

}  // namespace eightfold::comm::simulator
