#include "launch/process/silent_hosts.hpp"

#include "launch/process/launcher_output.hpp"

#include <fmt/ranges.h>

#include <chrono>

namespace eightfold::launch::process {
namespace {

constexpr std::chrono::seconds kAnswerLimit{30};
constexpr std::size_t kNamed = 8;

SilentHost silent(const Host& host, const ChildEnd& answer) {
  SilentHost silent{host, last_agent_line(answer.error_output)};
  if (silent.reason.empty() && answer.how == ChildEnd::How::timed_out)
    silent.reason = fmt::format("nothing within {} s", kAnswerLimit.count());
  // OpenSSH writes these words in every language; only what follows them is translated.
  silent.is_unknown = silent.reason.find("Could not resolve hostname") != std::string::npos;
  return silent;
}

}  // namespace

std::vector<SilentHost> find_silent_hosts(const Launcher& launcher, EndRequest& request) {
  std::vector<std::vector<std::string>> questions;
  for (const Host& host : launcher.hosts) questions.push_back(launcher.on({host}).command(1, 1, {"true"}));
  const std::vector<ChildEnd> answers = run_children(questions, kAnswerLimit, request);
  std::vector<SilentHost> found;
  for (std::size_t i = 0; i < answers.size(); ++i)
    if (answers[i].how != ChildEnd::How::exited || answers[i].code != 0)
      found.push_back(silent(launcher.hosts[i], answers[i]));
  return found;
}

std::string describe(const std::vector<SilentHost>& silent) {
  std::vector<std::string> parts;
  for (const SilentHost& each : silent) {
    if (parts.size() == kNamed) {
      parts.push_back(fmt::format("and none from {} more", silent.size() - kNamed));
      break;
    }
    parts.push_back(
        fmt::format("no answer from {}{}{}", each.host.name, each.reason.empty() ? "" : ": ", each.reason));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace eightfold::launch::process
