#pragma once

// Where `eightfold launch` is tried: a directory with a job, and a launcher that can be told to misbehave.

#include "tests/launch/program.hpp"
#include "tests/support/scratch.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/types.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace eightfold::test {

// A directory with a job and a script named mpirun, which notes each start of the job and then does what it
// is told; asked whether a host answers, it says `answer`.
class LaunchStage {
 public:
  static constexpr std::chrono::seconds kPatience{120};  // for a whole launch

  explicit LaunchStage(const std::string& job = kTinyJob, const std::string& then = "exec \"$REAL\" \"$@\"",
                       const std::string& answer = "exit 0") {
    scratch_.file("job.toml", job);
    std::filesystem::create_directory(scratch_ / "bin");
    const std::filesystem::path script = scratch_.file("bin/mpirun",
                                                       "#!/bin/sh\nfor last; do :; done\n"
                                                       "if [ \"$last\" = true ]; then\n" +
                                                           answer + "\nfi\necho \"$*\" >>\"$STARTS\"\n" +
                                                           "start=$(wc -l <\"$STARTS\")\n" + then + "\n");
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  }

  Command command(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all = {"launch", "job.toml", "--backoff", "10ms"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return program(all, 0, scratch_.path(),
                   {{"REAL", program({}, 1, {}).arguments.at(0)},
                    {"STARTS", (scratch_ / "starts").string()},
                    {"PATH", fmt::format("{}:{}", (scratch_ / "bin").string(), std::getenv("PATH"))},
                    // Or mpirun takes two seconds over every failure.
                    {"OMPI_MCA_odls_base_sigkill_timeout", "0"}});
  }
  Finished run(const std::vector<std::string>& arguments) const {
    return test::run(command(arguments), kPatience);
  }

  // The arguments of mpirun at each start.
  std::vector<std::string> starts() const {
    return std::filesystem::exists(scratch_ / "starts") ? lines_with(contents_of(scratch_ / "starts"), "")
                                                        : std::vector<std::string>();
  }
  // The only run that there is.
  std::filesystem::path only_run() const {
    std::vector<std::filesystem::path> runs;
    std::error_code none;
    for (const auto& run : std::filesystem::directory_iterator(scratch_ / "runs/tiny", none))
      runs.push_back(run.path());
    return runs.size() == 1 ? runs[0] : std::filesystem::path();
  }
  std::vector<nlohmann::json> attempts() const {
    std::vector<nlohmann::json> attempts;
    for (const std::string& line : lines_with(contents_of(only_run() / "attempts.jsonl"), "{"))
      attempts.push_back(nlohmann::json::parse(line));
    return attempts;
  }
  bool has_checkpoint() const {
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(only_run() / "checkpoints", none))
      if (entry.path().filename().string().starts_with("step-")) return true;
    return false;
  }
  // The process of a rank, if it is there. Programs that are told apart by where they run.
  std::optional<pid_t> rank(int number) const {
    const std::string variable = fmt::format("OMPI_COMM_WORLD_RANK={}", number);
    std::error_code gone;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", gone)) {
      const std::string name = entry.path().filename().string();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      if (std::filesystem::read_symlink(entry.path() / "cwd", gone) != scratch_.path() || gone) continue;
      try {
        std::string environment = contents_of(entry.path() / "environ");
        if (('\0' + environment).find('\0' + variable + '\0') != std::string::npos) return std::stoi(name);
      } catch (const std::exception&) {  // it has ended meanwhile
      }
    }
    return std::nullopt;
  }
  const Scratch& scratch() const { return scratch_; }

 private:
  Scratch scratch_;
};

}  // namespace eightfold::test
