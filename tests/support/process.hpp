#pragma once

// Runs programs as their users do: an argument vector (no shell), additions to the environment, a working
// directory; their output is kept. A program that still runs when its owner is destroyed is killed with all
// its children.

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace eightfold::test {

struct Command {
  std::vector<std::string> arguments;              // the first is the program, looked for in PATH
  std::map<std::string, std::string> environment;  // on top of this process's own
  std::filesystem::path directory;                 // empty: this process's
};

struct Finished {
  int status = 0;  // the exit code, or minus the signal that ended it
  bool timed_out = false;
  std::string out, err;
};

class Process {
 public:
  // Starts it. Throws std::system_error when it cannot be started.
  explicit Process(const Command& command);
  ~Process();
  Process(const Process&) = delete;  // owns a process
  Process& operator=(const Process&) = delete;

  // SIGKILL to it and to every process below it, as a crashed machine would end them.
  void kill();
  // True if it has ended after at most this long.
  bool ends_within(std::chrono::milliseconds limit);
  // Waits for its end, at most so long; then kills it.
  Finished wait(std::chrono::milliseconds limit);

 private:
  // A file without a name that the process writes to: nobody has to read while it runs.
  class Sink {
   public:
    Sink();
    ~Sink();
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;
    int descriptor() const noexcept { return descriptor_; }
    std::string text() const;

   private:
    int descriptor_;
  };

  Sink out_, err_;
  pid_t id_ = -1;
  int watch_ = -1;  // becomes readable when the process ends
  bool reaped_ = false;
};

// Starts, waits, returns what came out.
Finished run(const Command& command, std::chrono::seconds limit = std::chrono::seconds(60));

}  // namespace eightfold::test
