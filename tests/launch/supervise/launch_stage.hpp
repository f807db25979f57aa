#pragma once

// The environment for tests of `eightfold launch`.

#include "tests/launch/supervise/scripted_launcher.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace eightfold::test {

// A launcher that, asked whether a host answers, says `answer`, and started with the job does `then`.
class LaunchStage {
 public:
  static constexpr std::chrono::seconds kPatience{120};  // for a whole launch

  explicit LaunchStage(const std::string& job = kTinyJob, const std::string& then = kRealLauncher,
                       const std::string& answer = "exit 0")
      : launcher_(job, then, "for last; do :; done\nif [ \"$last\" = true ]; then\n" + answer + "\nfi") {}

  Command command(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all = {"launch", "job.toml", "--backoff", "10ms"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return launcher_.command(all);
  }
  Finished run(const std::vector<std::string>& arguments) const {
    return test::run(command(arguments), kPatience);
  }

  std::vector<std::string> starts() const { return launcher_.starts(); }
  // The only run that there is.
  std::filesystem::path only_run() const {
    std::vector<std::filesystem::path> runs;
    std::error_code none;
    for (const auto& run : std::filesystem::directory_iterator(scratch() / "runs/tiny", none))
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
      if (std::filesystem::read_symlink(entry.path() / "cwd", gone) != scratch().path() || gone) continue;
      try {
        std::string environment = contents_of(entry.path() / "environ");
        if (('\0' + environment).find('\0' + variable + '\0') != std::string::npos) return std::stoi(name);
      } catch (const std::exception&) {  // it has ended meanwhile
      }
    }
    return std::nullopt;
  }
  const Scratch& scratch() const { return launcher_.scratch(); }

 private:
  ScriptedLauncher launcher_;
};

}  // namespace eightfold::test
