#pragma once

// A launcher for tests that can be told to misbehave.

#include "tests/launch/program.hpp"
#include "tests/support/scratch.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace eightfold::test {

inline const std::string kRealLauncher = "exec \"$REAL\" \"$@\"";

// A directory with job.toml and a script named mpirun. The script may do something `first`, which ends it or
// not; it notes the start, has its number in $start, and does `then`.
class ScriptedLauncher {
 public:
  ScriptedLauncher(const std::string& job, const std::string& then, const std::string& first = "") {
    scratch_.file("job.toml", job);
    std::filesystem::create_directory(scratch_ / "bin");
    const std::filesystem::path script =
        scratch_.file("bin/mpirun", "#!/bin/sh\n" + first + "\necho \"$*\" >>\"$STARTS\"\n" +
                                        "start=$(wc -l <\"$STARTS\")\n" + then + "\n");
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  }

  // The program in that directory; what it takes for mpirun is the script.
  Command command(const std::vector<std::string>& arguments) const {
    return program(arguments, 0, scratch_.path(),
                   {{"REAL", program({}, 1, {}).arguments.at(0)},
                    {"STARTS", (scratch_ / "starts").string()},
                    {"PATH", fmt::format("{}:{}", (scratch_ / "bin").string(), std::getenv("PATH"))},
                    // Or mpirun takes two seconds over every failure.
                    {"OMPI_MCA_odls_base_sigkill_timeout", "0"}});
  }
  // The arguments of mpirun at each start.
  std::vector<std::string> starts() const {
    return std::filesystem::exists(scratch_ / "starts") ? lines_with(contents_of(scratch_ / "starts"), "")
                                                        : std::vector<std::string>();
  }
  const Scratch& scratch() const { return scratch_; }

 private:
  Scratch scratch_;
};

}  // namespace eightfold::test
